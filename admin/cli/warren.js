#!/usr/bin/env node
// The command. Plain JavaScript without newer syntax and without imports, so that an old Node can still read it and be told.

const NEEDED = [24, 0]

// A small young generation. What passes through a node is buffers of 64 KiB, and a collector that seldom runs has them fill fresh
// memory instead of the same few pages again: it costs a cold 1 GB blob a quarter more CPU time and twice the growth of memory.
const YOUNG = '--max-semi-space-size'

function isOldNode(version) {
  const parts = version.split('.').map(Number)
  return parts[0] < NEEDED[0] || (parts[0] === NEEDED[0] && parts[1] < NEEDED[1])
}

// V8 takes that size at its start only, so the process begins anew, where the system can do that. Whoever set it is obeyed.
function shrinkYoung() {
  const asked = process.execArgv.concat(process.env.NODE_OPTIONS || '').some((option) => option.indexOf(YOUNG) >= 0)
  if (process.argv[2] !== 'up' || asked || typeof process.execve !== 'function') return
  try {
    const args = [process.argv0, `${YOUNG}=2`].concat(process.execArgv, process.argv.slice(1))
    process.execve(process.execPath, args, process.env)
  } catch {
    // It runs without as well.
  }
}

function fail(message) {
  console.error(`warren: ${message}`)
  process.exitCode = 1
}

if (isOldNode(process.versions.node)) {
  fail(`needs Node ${NEEDED.join('.')} or later, but this is Node ${process.versions.node}; install a newer one and try again`)
} else {
  shrinkYoung()
  // Beside this file stands the compiled command in the package, and its source in a checkout.
  import('node:fs')
    .then((fs) => import(fs.existsSync(new URL('./main.js', import.meta.url)) ? './main.js' : './main.ts'))
    .then((main) => main.main(process.argv.slice(2)))
    .catch((error) => fail(error.stack))
}
