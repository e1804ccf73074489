import { createHash, type Hash } from 'node:crypto'
import { closeSync, fdatasync, openSync, read, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { parentPort } from 'node:worker_threads'
import type { ByteAlgorithm } from '../digest.ts'
import { checkFile } from './check-file.ts'
import { SLAB_BYTES, VERIFYING_AT_ONCE } from './constants.ts'
import type { FromWorker, Order, ToWorker } from './hasher.ts'
import { codeOf, settleFiles, writeGroup } from './small-files.ts'

/** One stream of bytes on its way to a file, or only through the hashes. */
interface Job {
  fd: number | undefined
  readonly hashes: Map<ByteAlgorithm, Hash>
  /** Set while `fdatasync` runs on the descriptor, which must not be closed under it. */
  syncing: boolean
}

type Verify = Extract<ToWorker, { type: 'verify' }>
/** What is asked for and answered as a whole. */
type Asked = Exclude<Order, { type: 'verify' }>

const port = parentPort
if (!port) throw new Error('hash-worker runs as a worker thread only')
const say = (message: FromWorker) => port.postMessage(message)
const jobs = new Map<number, Job>()
const toVerify: Verify[] = []
let verifying = 0
const readAsync = promisify(read)

function open({ id, path, algorithms }: Extract<ToWorker, { type: 'open' }>): void {
  const job: Job = { fd: undefined, hashes: hashesOf(algorithms), syncing: false }
  jobs.set(id, job)
  if (path === undefined) return
  try {
    job.fd = openSync(path, 'wx', 0o600)
  } catch (error) {
    say({ type: 'unstored', id, code: codeOf(error) })
  }
}

function slab(id: number, job: Job, view: Buffer): void {
  for (const hash of job.hashes.values()) hash.update(view)
  let stored = job.fd !== undefined
  try {
    if (job.fd !== undefined) for (let at = 0; at < view.length; ) at += writeSync(job.fd, view, at)
  } catch (error) {
    stored = false
    close(job)
    say({ type: 'unstored', id, code: codeOf(error) })
  }
  say({ type: 'slab', id, stored })
}

/** In the thread pool: the sync of a gigabyte may take seconds, in which other jobs want their slabs hashed. */
function sync(id: number, job: Job): void {
  if (job.fd === undefined) {
    say({ type: 'unstored', id, code: 'EBADF' })
    return
  }
  job.syncing = true
  fdatasync(job.fd, (error) => {
    job.syncing = false
    close(job)
    say(error ? { type: 'unstored', id, code: codeOf(error) } : { type: 'synced', id })
    if (!jobs.has(id)) say({ type: 'dropped', id })
  })
}

function drop(id: number, job: Job | undefined): void {
  jobs.delete(id)
  if (job?.syncing) return
  if (job) close(job)
  say({ type: 'dropped', id })
}

/** Reads asynchronously, so that slabs of running flights are hashed in between. */
async function verify({ id, fd }: Verify): Promise<void> {
  try {
    const hashes = hashesOf(['sha256'])
    const buffer = Buffer.allocUnsafe(SLAB_BYTES)
    for (let position = 0; ; ) {
      const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, position)
      if (bytesRead === 0) break
      for (const hash of hashes.values()) hash.update(buffer.subarray(0, bytesRead))
      position += bytesRead
    }
    say({ type: 'answer', id, result: digestsOf(hashes) })
  } catch (error) {
    say({ type: 'broken', id, code: codeOf(error) })
  }
}

function verifyNext(): void {
  if (verifying >= VERIFYING_AT_ONCE) return
  const next = toVerify.shift()
  if (!next) return
  verifying++
  void verify(next).then(() => {
    verifying--
    verifyNext()
  })
}

function answer(id: number, order: Asked): void {
  run(order).then(
    (result) => say({ type: 'answer', id, result }),
    (error) => say({ type: 'broken', id, code: codeOf(error) }),
  )
}

function run(order: Asked): Promise<unknown> {
  if (order.type === 'group') return writeGroup(order.write)
  return order.type === 'settle' ? settleFiles(order.paths) : checkFile(order.check)
}

function take(message: ToWorker): void {
  const { id } = message
  const job = jobs.get(id)
  if (message.type === 'open') open(message)
  else if (message.type === 'verify') {
    toVerify.push(message)
    verifyNext()
  } else if (message.type === 'group' || message.type === 'settle' || message.type === 'check') answer(id, message)
  else if (message.type === 'drop') drop(id, job)
  else if (!job) return
  else if (message.type === 'slab') slab(id, job, Buffer.from(message.slab, 0, message.length))
  else if (message.type === 'seal') say({ type: 'sealed', id, digests: digestsOf(job.hashes) })
  else if (message.type === 'sync') sync(id, job)
  else close(job)
}

function hashesOf(algorithms: readonly ByteAlgorithm[]): Map<ByteAlgorithm, Hash> {
  return new Map(algorithms.map((algorithm) => [algorithm, createHash(algorithm)]))
}

function digestsOf(hashes: ReadonlyMap<ByteAlgorithm, Hash>): Record<string, string> {
  return Object.fromEntries([...hashes].map(([algorithm, hash]) => [algorithm, hash.digest('hex')]))
}

function close(job: Job): void {
  const { fd } = job
  job.fd = undefined
  if (fd === undefined) return
  try {
    closeSync(fd)
  } catch {
    // The descriptor is gone either way.
  }
}

port.on('message', (message: ToWorker) => {
  try {
    take(message)
  } catch (error) {
    // For instance an algorithm that this build of OpenSSL does not have: one job fails, the others go on.
    say({ type: 'broken', id: message.id, code: codeOf(error) })
  }
})
