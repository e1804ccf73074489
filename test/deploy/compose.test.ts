import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { ecosystems } from '../../node/built-ins.ts'
import { loadConfig } from '../../node/config/load.ts'
import { isLoopback } from '../../node/tcp-address.ts'
import { cleanEnv, run } from '../harness/child-process.ts'
import { environmentOf, stagesOfImage, stepsOf } from '../harness/containerfile.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'

const FOLDER = fileURLToPath(new URL('../../deploy/compose/', import.meta.url))
const FILE = join(FOLDER, 'compose.yaml')

const serviceSchema = z.looseObject({
  build: z.looseObject({ context: z.string(), dockerfile: z.string() }),
  environment: z.record(z.string(), z.string().nullable()),
  ports: z.array(z.string()),
  volumes: z.tuple([z.string(), z.looseObject({ source: z.string(), target: z.string(), read_only: z.literal(true) })]),
  secrets: z.tuple([z.string()]),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  healthcheck: z.looseObject({ test: z.array(z.string()) }),
  stop_grace_period: z.string(),
})
const { services, volumes, secrets } = z
  .strictObject({
    services: z.strictObject({ warren: serviceSchema }),
    secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(parse(readFileSync(FILE, 'utf8')))
const { warren } = services
const { final } = stagesOfImage()

const folders = useTempFolders()

test('docker-compose takes it, and a ticket in a file, which no variable tells', async (context) => {
  const compose = requireTool(context, 'docker-compose')
  const home = folders.create('home')
  const seen = async (env: Record<string, string> = {}) => {
    const ran = await run([compose, '-f', FILE, 'config'], {
      cwd: home,
      env: cleanEnv({ HOME: home, ...env }),
      timeoutMs: 60_000,
    })
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    return parse(ran.stdout)
  }
  const file = join(home, 'ticket')
  writeFileSync(file, 'warren-ticket-1.hunter2')
  const told = await seen({ WARREN_TICKET_FILE: file, WARREN_TICKET: 'warren-ticket-1.hunter2' })
  expect(told.secrets.ticket.file).toBe(file)
  expect(told.services.warren.environment.WARREN_TICKET_FILE).toBe('/run/secrets/ticket')
  expect(JSON.stringify(told)).not.toContain('hunter2')
  expect((await seen()).secrets.ticket.file).toBe(join(FOLDER, 'no-ticket'))
})

test('the ticket of the node is its secret, and that is empty where none is named', () => {
  const [name] = warren.secrets
  expect(warren.environment.WARREN_TICKET_FILE).toBe(`/run/secrets/${name}`)
  const [, fallback = ''] = /^\$\{WARREN_TICKET_FILE:-(.*)\}$/.exec(secrets[name]?.file ?? '') ?? []
  expect(statSync(join(FOLDER, fallback)).size).toBe(0)
  expect(Object.keys(secrets)).toEqual([name])
})

test('what it names is there', () => {
  expect(existsSync(join(FOLDER, warren.build.context, warren.build.dockerfile))).toBe(true)
  const [data, config] = warren.volumes
  const [name = '', target] = data.split(':')
  expect(Object.keys(volumes)).toEqual([name])
  expect(stepsOf(final, 'VOLUME')).toEqual([target])
  expect([config.target, existsSync(join(FOLDER, config.source, 'config.yaml'))]).toEqual(['/etc/warren', true])
  expect(['CMD', ...JSON.parse(stepsOf(final, 'HEALTHCHECK')[0]?.replace(/^.*CMD /, '') ?? '')]).toEqual(
    warren.healthcheck.test,
  )
})

test('the node in it has settings that it starts with, and nobody but this machine reaches its mirrors', () => {
  const env: Record<string, string> = environmentOf(final)
  for (const [key, value] of Object.entries(warren.environment)) if (value !== null) env[key] = value
  const configFile = join(FOLDER, warren.volumes[1].source, 'config.yaml')
  const { config } = loadConfig({ configFile, env, home: undefined, flags: new Map(), ecosystems })
  expect('host' in config.admin.listen && isLoopback(config.admin.listen)).toBe(true)
  const [mirrors = { port: 0 }] = config.listen
  const { mesh } = config
  expect(warren.ports).toEqual([
    `127.0.0.1:${mirrors.port}:${mirrors.port}`,
    ...[mesh.listen.port, mesh.blobs.port].map((port) => `${port}:${port}`),
  ])
  expect(config.hosts).toContain('warren')
})
