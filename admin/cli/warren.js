#!/usr/bin/env node
// The command. Plain JavaScript without newer syntax and without imports, so that an old Node can still read it and be told.

const NEEDED = [24, 0]

// A young generation of half the usual size: what it leaves for later is looked through in half the time, and it takes less memory. With
// a smaller one what a request needs outlives it, and each of them costs a third more CPU time.
const YOUNG = '--max-semi-space-size'
// And an old one that is looked through before it doubles: what a crowd of readers makes outlives the young one, and V8 would let
// a hundred MB of it pile up before it looks.
const SIZES = [`${YOUNG}=8`, '--heap-growing-percent=50']

function isOldNode(version) {
  const parts = version.split('.').map(Number)
  return parts[0] < NEEDED[0] || (parts[0] === NEEDED[0] && parts[1] < NEEDED[1])
}

// V8 takes those sizes at its start only, so the process begins anew, where the system can do that. Whoever set it is obeyed.
function limitHeap() {
  const asked = process.execArgv.concat(process.env.NODE_OPTIONS || '').some((option) => option.indexOf(YOUNG) >= 0)
  if (process.argv[2] !== 'up' || asked || typeof process.execve !== 'function') return
  try {
    const args = [process.argv0].concat(SIZES, process.execArgv, process.argv.slice(1))
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
  limitHeap()
  // Beside this file stands the compiled command in the package, and its source in a checkout.
  import('node:fs')
    .then((fs) => import(fs.existsSync(new URL('./main.js', import.meta.url)) ? './main.js' : './main.ts'))
    .then((main) => main.main(process.argv.slice(2)))
    .catch((error) => fail(error.stack))
}
