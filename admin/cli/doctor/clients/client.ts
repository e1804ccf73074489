import { closeSync, constants, openSync, readdirSync, readSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import type { Machine } from '../scene.ts'

/** Where a client is told to fetch from. */
export interface Setting {
  /** The file, or the variable. */
  readonly where: string
  readonly url: string
}

/** A package manager or container engine, and where its settings are. */
export interface Client {
  readonly name: string
  /** What it is called in PATH; any of them. */
  readonly programs: readonly string[]
  /** Of the mirrors that it may be led to. */
  readonly protocol: string
  /** What counts, the strongest first; none where nothing is set. Throws Unreadable. */
  read(machine: Machine): readonly Setting[]
}

/** A file of settings that cannot be understood, or not be read. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable'
}

/** Largest file of settings that is looked at, in bytes. */
const MAX_BYTES = 1 << 20

/** The text of a file; undefined where there is none. Throws Unreadable. */
export function textOf(path: string): string | undefined {
  try {
    return beginningOf(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
    throw new Unreadable(`${path} cannot be read (${code ?? 'no reason given'})`)
  }
}

/** A project may have a link to a device in the place of a file: that has no end, and a pipe nobody who writes into it. */
function beginningOf(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const bytes = Buffer.allocUnsafe(MAX_BYTES)
    let length = 0
    for (let read = -1; read !== 0 && length < MAX_BYTES; length += read)
      read = readSync(descriptor, bytes, length, MAX_BYTES - length, null)
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(descriptor)
  }
}

/** What a parser makes of a file; undefined where there is none. Throws Unreadable. */
export function parsedFile<T>(path: string, parse: (text: string) => T): T | undefined {
  const text = textOf(path)
  if (text === undefined) return undefined
  try {
    return parse(text)
  } catch {
    throw new Unreadable(`${path} cannot be understood`)
  }
}

/** Paths of the files in a folder whose names end so, in the order in which such folders are read; none where there is no folder. */
export function filesIn(folder: string, ending: RegExp): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => ending.test(name))
      .sort()
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

/** Files below the home folder; none for who has none. */
export function inHome({ home }: Machine, ...names: string[]): string[] {
  return home === undefined ? [] : names.map((name) => join(home, name))
}

/** A folder of settings by the XDG Base Directory Specification, which has relative ones passed over. */
export function configFolder({ env, home }: Machine): string[] {
  const set = env.XDG_CONFIG_HOME
  return set && isAbsolute(set) ? [set] : home === undefined ? [] : [join(home, '.config')]
}

/** Variables that are set, by name; the first one counts. */
export function variables({ env }: Machine, ...names: string[]): Setting[] {
  return names.flatMap((name) => {
    const url = env[name]
    return url ? [{ where: name, url }] : []
  })
}

/** The values of one key in lines `key = value`, without quotes. Sections and comments are passed over. */
export function valuesOf(text: string, key: RegExp): string[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, name = '', value = ''] = /^\s*([^=#;\s][^=]*?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? []
    return key.test(name) ? [value.replace(/^(["'])(.*)\1$/, '$2')] : []
  })
}
