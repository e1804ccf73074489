import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Run } from '../../harness/child-process.ts'
import { runWarren, type WarrenInit } from './run-warren.ts'

/** A machine with a home of its own. */
export class MeshMachine {
  readonly home: string
  readonly data: string
  /** All that its commands wrote but tickets that were asked for. */
  said = ''

  constructor(home: string) {
    this.home = home
    this.data = join(home, 'data')
  }

  /** Runs `warren <command>` on its data folder. */
  warren(command: string, init: Partial<WarrenInit> = {}): Promise<Run> {
    return runWarren([...command.split(' '), '--data', this.data], { home: this.home, ...init })
  }

  /** Runs `warren mesh <command>`. */
  async run(command: string, init: Partial<WarrenInit> = {}): Promise<Run> {
    const result = await this.warren(`mesh ${command}`, init)
    this.said += result.stderr + (command.startsWith('ticket') ? '' : result.stdout)
    return result
  }

  async create(
    args = '--address 127.0.0.1:7471',
  ): Promise<{ mesh: string; peer: string; adminKey: string; addresses: string[] }> {
    const { code, stdout, stderr } = await this.run(`create --json ${args}`)
    expect([code, stderr]).toEqual([0, ''])
    return JSON.parse(stdout)
  }

  async ticket(args = ''): Promise<string> {
    const { code, stdout, stderr } = await this.run(`ticket ${args}`.trim())
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^warren: this is ticket [0-9a-f]{16}: [^\n]*\n$/)])
    return stdout.trim()
  }

  text(file: string): string {
    return readFileSync(join(this.data, file), 'utf8')
  }

  mode(file: string): string {
    return (statSync(join(this.data, file)).mode & 0o777).toString(8)
  }

  /** What nobody may get to see. */
  get secrets(): string[] {
    const files = ['node.key', 'mesh/admin.key'].filter((file) => existsSync(join(this.data, file)))
    const keys = files.map((file) => this.text(file).split('\n')[1] ?? '')
    return [...keys, JSON.parse(this.text('mesh/membership.json')).secret]
  }
}
