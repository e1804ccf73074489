import { parentPort } from 'node:worker_threads'
import { reasonOf } from '../errors.ts'
import type { FromParser, ToParser } from './parser-thread.ts'
import type { DocumentParser } from './plan.ts'

const port = parentPort
if (!port) throw new Error('parse-worker runs as a worker thread only')

async function parse({ id, module, exportName, bytes }: ToParser): Promise<FromParser> {
  try {
    const exported = (await import(module)) as Record<string, DocumentParser['parse']>
    const found = exported[exportName]
    if (typeof found !== 'function') throw new Error(`${module} exports no function ${exportName}`)
    return { id, json: JSON.stringify(await found(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))) }
  } catch (error) {
    return { id, error: reasonOf(error) }
  }
}

port.on('message', (job: ToParser) => void parse(job).then((answer) => port.postMessage(answer)))
