// Completes package-lock.json after `npm install`: a registry that offers a package's binaries for some platforms only leaves
// the others out of the lock, and `npm ci` then refuses it everywhere. What is added names version and platform, as npm would
// have; without an integrity, which only the registry could tell.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SYSTEMS = {
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  netbsd: 'netbsd',
  openbsd: 'openbsd',
  openharmony: 'openharmony',
  sunos: 'sunos',
  aix: 'aix',
  win32: 'win32',
}
const CPUS = {
  arm64: 'arm64',
  arm: 'arm',
  armv6: 'arm',
  armv7: 'arm',
  x64: 'x64',
  ia32: 'ia32',
  x86: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  loong64: 'loong64',
  mips64el: 'mips64el',
  wasm32: 'wasm32',
}

const file = process.argv[2] ?? fileURLToPath(new URL('../package-lock.json', import.meta.url))
const lock = JSON.parse(readFileSync(file, 'utf8'))
let added = 0
for (const [place, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (place === '' || isLocked(place, name) || !/^\d+\.\d+\.\d+/.test(version)) continue
    const words = name.replace(/^@[^/]+\//, '').split('-')
    const os = words.map((word) => SYSTEMS[word]).filter(Boolean)
    const cpu = words.map((word) => CPUS[word]).filter(Boolean)
    if (os.length + cpu.length === 0) continue
    const dev = entry.dev ? { dev: true } : {}
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(cpu.length ? { cpu } : {}),
      ...dev,
      optional: true,
      ...(os.length ? { os } : {}),
    }
    added++
  }
}
const root = lock.packages['']
const sorted = Object.entries(lock.packages)
  .filter(([place]) => place !== '')
  .sort(([a], [b]) => a.localeCompare(b, 'en'))
lock.packages = { '': root, ...Object.fromEntries(sorted) }
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added} optional packages of other platforms added to the lock`)

/** As Node resolves it: beside the dependent or further up. */
function isLocked(place, name) {
  for (let at = place; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${at}/node_modules/${name}`]) return true
  }
  return lock.packages[`node_modules/${name}`] !== undefined
}
