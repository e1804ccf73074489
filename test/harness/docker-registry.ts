import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { exchange } from './http.ts'
import { readBody } from './oci-layout.ts'
import { type Blob, blobsOf, type Manifest, manifestsOf } from './oci-types.ts'
import { freePort, type ServerProcess, startServer } from './server-process.ts'

/**
 * Starts Debian's docker-registry (the CNCF distribution registry) over a folder of its own, on a port of its own, with its
 * descriptor cache on as in Debian's own configuration. Whatever of it the system runs as a service is neither used nor needed.
 */
export async function startDockerRegistry(program: string, folder: string, signal?: AbortSignal): Promise<ServerProcess> {
  mkdirSync(folder, { recursive: true })
  const config = join(folder, 'config.yml')
  const port = await freePort()
  const settings = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { cache: { blobdescriptor: 'inmemory' }, filesystem: { rootdirectory: join(folder, 'storage') } },
    http: { addr: `127.0.0.1:${port}` },
  }
  writeFileSync(config, JSON.stringify(settings, null, 2))
  const env = { OTEL_TRACES_EXPORTER: 'none' }
  const url = `http://127.0.0.1:${port}`
  return startServer({ program, args: ['serve', config], env, url, cwd: folder, ...(signal ? { signal } : {}) })
}

/** Pushes an image with all that it names, and tags it. */
export async function pushImage(url: string, repository: string, tag: string, image: Manifest): Promise<void> {
  for (const blob of blobsOf(image)) await pushBlob(url, repository, blob)
  for (const manifest of manifestsOf(image)) await pushManifest(url, repository, manifest.descriptor.digest, manifest)
  await pushManifest(url, repository, tag, image)
}

/** Uploads a blob in one go (OCI distribution specification, «Pushing a blob monolithically»); resolves with its path. */
export async function pushBlob(url: string, repository: string, { descriptor, open }: Blob): Promise<string> {
  const begun = await exchange(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' })
  const location = begun.headers.location
  if (begun.status !== 202 || location === undefined) throw new Error(`the registry answered ${begun.status} to an upload`)
  const target = new URL(location, url)
  target.searchParams.set('digest', descriptor.digest)
  const agent = new Agent()
  const headers = { 'content-type': 'application/octet-stream', 'content-length': descriptor.size }
  const outgoing = request(target, { method: 'PUT', headers, agent })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  try {
    const [[reply]] = await Promise.all([answered, pipeline(readBody(open), outgoing)])
    reply.resume()
    if (reply.statusCode !== 201) throw new Error(`the registry answered ${reply.statusCode} to blob ${descriptor.digest}`)
    await once(reply, 'close')
  } finally {
    agent.destroy()
  }
  return `/v2/${repository}/blobs/${descriptor.digest}`
}

/** Uploads a manifest under a tag or under its digest (same specification, «Pushing Manifests»). */
async function pushManifest(url: string, repository: string, reference: string, manifest: Manifest): Promise<void> {
  const headers = { 'content-type': manifest.descriptor.mediaType, 'content-length': `${manifest.bytes.length}` }
  const target = `${url}/v2/${repository}/manifests/${reference}`
  const reply = await exchange(target, { method: 'PUT', headers, body: manifest.bytes })
  if (reply.status !== 201) throw new Error(`the registry answered ${reply.status} to manifest ${reference}: ${reply.body}`)
}
