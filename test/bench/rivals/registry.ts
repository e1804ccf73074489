import { findProgram } from '../../../admin/cli/programs.ts'
import { startDockerRegistry } from '../../harness/docker-registry.ts'
import type { ServerProcess } from '../../harness/server-process.ts'
import { tempFolder } from '../bench.ts'

export const REGISTRY_MISSING = 'docker-registry is not installed (apt-get install docker-registry)'

/** The CNCF distribution registry over a folder. */
export class Registry {
  readonly #program: string

  private constructor(program: string) {
    this.#program = program
  }

  /** Undefined when it is not installed. */
  static find(): Registry | undefined {
    const program = findProgram('docker-registry')
    return program === undefined ? undefined : new Registry(program)
  }

  async start(stack: AsyncDisposableStack, signal: AbortSignal): Promise<ServerProcess> {
    return stack.use(await startDockerRegistry(this.#program, tempFolder(stack, 'registry'), signal))
  }
}
