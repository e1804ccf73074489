import { isWarrenError } from '../errors.ts'
import { issueSeedCertificate, openSeedCertificate, type SeedCertificate } from '../trust/certificates.ts'
import type { SigningKey } from '../trust/keys.ts'
import { type Membership, SEED_LIFETIME } from '../trust/membership.ts'
import type { Ledger } from './ledger.ts'
import type { Op } from './op.ts'

const DAY = 24 * 60 * 60_000

/** Makes a peer a seed, and takes back that it was revoked as one. Throws as `Ledger.issue`. */
export function certifySeed(ledger: Ledger, seed: { peer: string; notAfter: number }, key: SigningKey, now: number): Op {
  return ledger.issue('seed.certify', { certificate: certificateFor(ledger, seed, key, now) }, key, now)
}

/** Gives a seed a new certificate that lasts for as long as the old one did; a year where that is not known. */
export function renewSeed(
  ledger: Ledger,
  { peer, issuedAt, notAfter }: Pick<SeedCertificate, 'peer'> & Partial<SeedCertificate>,
  key: SigningKey,
  now: number,
): { readonly op: Op; readonly certificate: SeedCertificate } {
  const life = issuedAt === undefined || notAfter === undefined ? SEED_LIFETIME : notAfter - issuedAt
  const certificate = certificateFor(ledger, { peer, notAfter: now + life }, key, now)
  const op = ledger.issue('seed.renew', { certificate }, key, now)
  return { op, certificate: openSeedCertificate(certificate, ledger.scope.adminKey) }
}

/** Certificates of seeds that this node knows of: those of the ledger, and its own, which may be older than any op. */
export function knownSeeds(ledger: Ledger, { chain, adminKey }: Membership): SeedCertificate[] {
  const own = chain.length === 1 ? chain.flatMap((text) => opened(text, adminKey) ?? []) : []
  const certified = new Map(own.map((certificate) => [certificate.peer, certificate]))
  for (const { certificate } of ledger.state.certificates()) certified.set(certificate.peer, certificate)
  return [...certified.values()].filter(({ peer }) => !ledger.state.seedRevocation(peer))
}

/** Whether a third of its life is left, or less. */
export function isDue({ issuedAt, notAfter }: SeedCertificate, now: number): boolean {
  return notAfter - now <= (notAfter - issuedAt) / 3
}

/** Whether whoever made it a seed meant that for good, and not until a day before a year is over. */
export function isForGood({ issuedAt, notAfter }: SeedCertificate): boolean {
  return notAfter - issuedAt > SEED_LIFETIME - DAY
}

function certificateFor(ledger: Ledger, seed: { peer: string; notAfter: number }, key: SigningKey, now: number): string {
  return issueSeedCertificate({ mesh: ledger.scope.mesh, ...seed, issuedAt: now }, key)
}

function opened(text: string, adminKey: string): SeedCertificate | undefined {
  try {
    return openSeedCertificate(text, adminKey)
  } catch (error) {
    if (isWarrenError(error, 'UNTRUSTED')) return undefined
    throw error
  }
}
