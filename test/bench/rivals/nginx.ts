import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findProgram } from '../../../admin/cli/programs.ts'
import { freePort, type ServerProcess, startServer } from '../../harness/server-process.ts'
import { tempFolder } from '../bench.ts'

export const NGINX_MISSING = 'nginx is not installed (apt-get install nginx-light)'

/** nginx with one worker over a folder of files, tuned as for a static mirror: sendfile, tcp_nopush, no access log. */
export class Nginx {
  readonly #program: string
  readonly #folder: string

  private constructor(program: string, folder: string) {
    this.#program = program
    this.#folder = folder
  }

  /** Undefined when nginx is not installed. */
  static find(stack: AsyncDisposableStack): Nginx | undefined {
    const program = findProgram('nginx') ?? findProgram('/usr/sbin/nginx')
    return program === undefined ? undefined : new Nginx(program, tempFolder(stack, 'nginx'))
  }

  /** Makes a file that is served at `path`. */
  write(path: string, bytes: Buffer): void {
    const file = join(this.#folder, 'root', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  }

  async start(stack: AsyncDisposableStack, signal: AbortSignal): Promise<ServerProcess> {
    const port = await freePort()
    const config = join(this.#folder, 'nginx.conf')
    writeFileSync(config, configuration(this.#folder, port))
    const args = ['-c', config, '-p', this.#folder, '-e', join(this.#folder, 'error.log')]
    const url = `http://127.0.0.1:${port}`
    return stack.use(await startServer({ program: this.#program, args, url, cwd: this.#folder, signal }))
  }
}

function configuration(folder: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`)
  // Started by root, a worker would become another user, who may not read the folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  return `
${user}
worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 2048; }
http {
  ${temporary.join('\n  ')}
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  default_type application/octet-stream;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/root;
  }
}
`
}
