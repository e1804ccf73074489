import { z } from 'zod'
import type { LayeredBlock, Layers } from '../../../node/config/layers.ts'
import type { LayerPolicy } from '../../../node/config/overlay.ts'
import { block } from '../../../node/config/policy.ts'
import { WarrenError } from '../../../node/errors.ts'
import type { PolicySettings } from '../../../node/policy/policy.ts'
import type { ApiApp } from '../app.ts'
import { checkMatch, etagOf, matchHeaders, tagged } from '../match.ts'
import { pageOf, pageQuery } from '../paging.ts'
import { type BlockView, blockSchema, blocksSchema, type PolicyView, policySchema } from '../policy-schema.ts'
import { scopeQuery } from '../scope.ts'

export interface PolicyPorts {
  readonly policy: {
    readonly policy: PolicySettings
    readonly layers: Layers
    readonly blocks: readonly LayeredBlock[]
    /** Replaces what this node says of the policy, blocks apart. Throws BAD_REQUEST. */
    setPolicy(policy: Omit<LayerPolicy, 'blocks'>): void
    /** Replaces the blocks of this node. Throws BAD_REQUEST. */
    setBlocks(blocks: readonly unknown[]): void
  }
}

const setting = z.unknown().optional()
const body = z
  .strictObject(
    {
      allow: setting.describe('Package URLs that are let through; of a type that is listed, all others are denied'),
      deny: setting.describe('Package URLs that are denied, besides those of all other layers'),
      minimumAge: setting.describe('How long a version must have been out, such as 3d; also by type, as in {"npm": "3d"}'),
      minimumAgeExceptions: setting.describe('Package URLs whose versions may be younger'),
    },
    { error: 'a group of settings of the policy, as in the configuration file' },
  )
  .describe('What this node says of the policy; what is left out is left to the layers below')
const tags = ['policy']
const PURL_MUST = 'a package URL that is blocked, such as pkg:npm/left-pad'

export function policyRoutes(app: ApiApp, { policy }: PolicyPorts): void {
  app.get(
    '/admin/v1/policy',
    {
      schema: {
        tags,
        summary: 'What applies, and what each layer says',
        querystring: z.object(scopeQuery),
        response: { 200: policySchema },
      },
    },
    async (_request, reply) => tagged(reply, view(policy)),
  )
  app.put(
    '/admin/v1/policy',
    {
      schema: {
        tags,
        summary: 'Replaces what this node says of the policy, blocks apart, at once and for good',
        querystring: z.object(scopeQuery),
        headers: matchHeaders,
        body,
        response: { 200: policySchema },
      },
    },
    async (request, reply) => {
      const before = view(policy)
      checkMatch(request.raw.headers, etagOf(before))
      policy.setPolicy(request.body)
      const told = view(policy)
      request.change = { what: 'policy', before: before.layers.overlay, after: told.layers.overlay }
      return tagged(reply, told)
    },
  )
  app.get(
    '/admin/v1/policy/blocks',
    {
      schema: {
        tags,
        summary: 'Package URLs that are blocked, and why',
        querystring: z.object({ ...pageQuery, ...scopeQuery }),
        response: { 200: blocksSchema },
      },
    },
    async ({ query }) => {
      const { items, next } = pageOf(policy.blocks, ({ purl, layer }) => `${purl} ${layer}`, query)
      return { blocks: items.map(blockView), next }
    },
  )
  app.post(
    '/admin/v1/policy/blocks',
    {
      schema: {
        tags,
        summary: 'Blocks a package URL at this node, from now on and for good',
        querystring: z.object(scopeQuery),
        body: block,
        response: { 200: blockSchema },
      },
    },
    async (request) => {
      const { purl, reason } = request.body
      const [own, others] = ownBlocks(policy, purl)
      policy.setBlocks([...others, { purl, ...(reason === undefined ? {} : { reason }) }])
      const blocked: BlockView = { purl, reason: reason ?? null, layer: 'overlay' }
      request.change = { what: `block ${purl}`, before: own ? blockView(own) : null, after: blocked }
      return blocked
    },
  )
  app.delete(
    '/admin/v1/policy/blocks',
    {
      schema: {
        tags,
        summary: 'Takes a block of this node back',
        querystring: z.object({ purl: z.string({ error: PURL_MUST }).describe('As it was blocked'), ...scopeQuery }),
        response: {
          200: z.object({
            still: z.array(blockSchema).describe('Blocks of it by other layers'),
            denied: z.boolean().describe('Whether policy.deny of any layer has the same pattern'),
          }),
        },
      },
    },
    async (request) => {
      const { purl } = request.query
      const [own, others] = ownBlocks(policy, purl)
      const still = policy.blocks.filter((one) => one.purl === purl && one.layer !== 'overlay').map(blockView)
      if (!own && still.length > 0)
        throw new WarrenError(
          'CONFLICT',
          `${purl} is blocked by ${still[0]?.layer === 'ledger' ? 'the mesh, which «warren unblock --mesh» takes back' : 'the file, and taken back there'}; this node by itself does not block it`,
        )
      const denied = policy.policy.deny.includes(purl)
      if (!own) {
        const otherwise = denied ? ', but denied by policy.deny («warren policy» tells who says so)' : ''
        throw new WarrenError('NOT_FOUND', `${purl} is not blocked at this node${otherwise}`)
      }
      policy.setBlocks(others)
      request.change = { what: `block ${purl}`, before: blockView(own), after: null }
      return { still, denied }
    },
  )
}

/** The block of this node for a package URL, and those for others. */
function ownBlocks({ blocks }: PolicyPorts['policy'], purl: string): [LayeredBlock | undefined, Omit<LayeredBlock, 'layer'>[]] {
  const own = blocks.filter(({ layer }) => layer === 'overlay')
  const others = own.filter((one) => one.purl !== purl).map(({ layer: _layer, ...one }) => one)
  return [own.find((one) => one.purl === purl), others]
}

function view({ policy, layers }: PolicyPorts['policy']): PolicyView {
  return {
    effective: settingsOf(policy) as PolicyView['effective'],
    layers: {
      overlay: settingsOf(layers.overlay.policy),
      ledger: settingsOf(layers.ledger.policy),
      file: settingsOf(layers.base.policy),
    },
  }
}

function settingsOf<T extends object>({ blocks: _blocks, ...settings }: T & { readonly blocks?: unknown }): Omit<T, 'blocks'> {
  return settings as Omit<T, 'blocks'>
}

function blockView({ purl, reason, layer }: LayeredBlock): BlockView {
  return { purl, reason: reason ?? null, layer }
}
