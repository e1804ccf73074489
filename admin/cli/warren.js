#!/usr/bin/env node
// The command. Plain JavaScript without newer syntax and without imports, so that an old Node can still read it and be told.

const NEEDED = [22, 19]

function isOldNode(version) {
  const parts = version.split('.').map(Number)
  return parts[0] < NEEDED[0] || (parts[0] === NEEDED[0] && parts[1] < NEEDED[1])
}

function fail(message) {
  console.error(`warren: ${message}`)
  process.exitCode = 1
}

if (isOldNode(process.versions.node)) {
  fail(`needs Node ${NEEDED.join('.')} or later, but this is Node ${process.versions.node}; install a newer one and try again`)
} else {
  // Beside this file stands the compiled command in the package, and its source in a checkout.
  import('node:fs')
    .then((fs) => import(fs.existsSync(new URL('./main.js', import.meta.url)) ? './main.js' : './main.ts'))
    .then((main) => main.main(process.argv.slice(2)))
    .catch((error) => fail(error.stack))
}
