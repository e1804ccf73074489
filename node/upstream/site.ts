import { isIP } from 'node:net'

/** Second-level names that many countries' registries give out under, as in `co.uk`. */
const GENERIC = new Set([
  'ac',
  'co',
  'com',
  'edu',
  'go',
  'gob',
  'gov',
  'gv',
  'ltd',
  'mil',
  'ne',
  'net',
  'nom',
  'or',
  'org',
  'plc',
])

/** Domains of providers under which each customer has a name. */
const SHARED = new Set([
  'amazonaws.com',
  'appspot.com',
  'azurecr.io',
  'azurewebsites.net',
  'cloudfront.net',
  'duckdns.org',
  'fly.dev',
  'github.io',
  'gitlab.io',
  'herokuapp.com',
  'jfrog.io',
  'netlify.app',
  'ngrok.app',
  'ngrok.io',
  'nip.io',
  'onrender.com',
  'pages.dev',
  'r2.dev',
  'run.app',
  'scw.cloud',
  'sslip.io',
  'trycloudflare.com',
  'vercel.app',
  'web.app',
  'windows.net',
  'workers.dev',
])

/**
 * Whether two hosts belong to one owner, as far as their names tell: they share the domain that its owner registered. Without
 * the list of all public suffixes, so that it knows the usual ones only; whatever has no such domain is its own site.
 */
export function isSameSite(one: URL, other: URL): boolean {
  return siteOf(one.hostname) === siteOf(other.hostname)
}

function siteOf(hostname: string): string {
  const host = hostname.replace(/\.$/, '')
  const labels = host.split('.')
  if (isIP(host.replace(/^\[|\]$/g, '')) !== 0 || SHARED.has(labels.slice(-2).join('.'))) return host
  const [second = '', top = ''] = labels.slice(-2)
  return labels.slice(top.length === 2 && GENERIC.has(second) ? -3 : -2).join('.')
}
