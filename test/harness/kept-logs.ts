import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFailed } from 'vitest'

/** Not in the repository, and where the report of a run is, too. */
const FOLDER = fileURLToPath(new URL('../../coverage/logs', import.meta.url))

/** Keeps what processes wrote when the test fails that runs now, and says where. */
export function keepLogs(processes: () => readonly { readonly name: string; readonly output: string }[]): void {
  onTestFailed(({ task }) => {
    const folder = join(FOLDER, task.name.replaceAll(/\W+/g, '-'))
    mkdirSync(folder, { recursive: true })
    for (const { name, output } of processes()) writeFileSync(join(folder, `${name}.log`), output)
    process.stderr.write(`what the processes wrote is in ${folder}\n`)
  })
}
