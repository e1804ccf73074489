import type { ApiApp } from '../app.ts'
import { type CachePorts, cacheRoutes } from './cache.ts'
import { type EventsPorts, eventsRoutes } from './events.ts'
import { type ExaminationPorts, examinationRoutes } from './examination.ts'
import { type ExplainPorts, explainRoutes } from './explain.ts'
import { type LogPorts, logRoutes } from './log.ts'
import { type MetricsPorts, metricsRoutes } from './metrics.ts'
import { type MirrorsPorts, mirrorsRoutes } from './mirrors.ts'
import { type OpsPorts, opsRoutes } from './ops.ts'
import { type PeersPorts, peersRoutes } from './peers.ts'
import { type PinsPorts, pinsRoutes } from './pins.ts'
import { type PolicyPorts, policyRoutes } from './policy.ts'
import { type ProofPorts, proofRoutes } from './proof.ts'
import { purgesRoutes } from './purges.ts'
import { type StatusPorts, statusRoutes } from './status.ts'

/** What the routes may see and do; nothing else of the node is within their reach. */
export type RoutePorts = StatusPorts &
  PeersPorts &
  PinsPorts &
  MirrorsPorts &
  PolicyPorts &
  ExplainPorts &
  MetricsPorts &
  ProofPorts &
  OpsPorts &
  ExaminationPorts &
  CachePorts &
  LogPorts &
  EventsPorts

export function registerRoutes(app: ApiApp, ports: RoutePorts): void {
  statusRoutes(app, ports)
  proofRoutes(app, ports)
  peersRoutes(app, ports)
  pinsRoutes(app, ports)
  mirrorsRoutes(app, ports)
  policyRoutes(app, ports)
  explainRoutes(app, ports)
  metricsRoutes(app, ports)
  opsRoutes(app, ports)
  examinationRoutes(app, ports)
  logRoutes(app, ports)
  eventsRoutes(app, ports)
  cacheRoutes(app, ports)
  purgesRoutes(app, ports)
}
