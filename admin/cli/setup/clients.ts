import { nearest } from '../../../node/config/nearest.ts'
import { UsageError } from '../exit-codes.ts'
import type { SetupClient } from './client.ts'
import { apt } from './clients/apt.ts'
import { buildkit } from './clients/buildkit.ts'
import { bun } from './clients/bun.ts'
import { cargo } from './clients/cargo.ts'
import { containerd } from './clients/containerd.ts'
import { coursier } from './clients/coursier.ts'
import { docker } from './clients/docker.ts'
import { go } from './clients/go.ts'
import { gradle } from './clients/gradle.ts'
import { ivy } from './clients/ivy.ts'
import { maven } from './clients/maven.ts'
import { npm, pnpm } from './clients/npm.ts'
import { pip } from './clients/pip.ts'
import { crio, podman } from './clients/podman.ts'
import { poetry } from './clients/poetry.ts'
import { sbt } from './clients/sbt.ts'
import { uv } from './clients/uv.ts'
import { yarn } from './clients/yarn.ts'

/** All that can be set up, in the order in which it is listed. */
export const CLIENTS: readonly SetupClient[] = [
  npm,
  pnpm,
  yarn,
  bun,
  pip,
  uv,
  poetry,
  maven,
  gradle,
  sbt,
  coursier,
  ivy,
  go,
  cargo,
  docker,
  containerd,
  podman,
  crio,
  buildkit,
  apt,
]

/** Throws UsageError. */
export function clientNamed(name: string): SetupClient {
  const found = CLIENTS.find((one) => one.name === name)
  if (found) return found
  const names = CLIENTS.map((one) => one.name)
  const meant = nearest(name, names)
  throw new UsageError(
    `there is no set-up of «${name}»${meant ? `; did you mean ${meant}?` : ''}; there is ${names.join(', ')}`,
  )
}
