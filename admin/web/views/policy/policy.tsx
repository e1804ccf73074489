import { useState } from 'preact/hooks'
import type { PolicyView } from '../../../api/policy-schema.ts'
import { look, type Seen } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { useAnswer } from '../../api/use-answer.ts'
import type { NodeView } from '../../api/use-status.ts'
import * as format from '../../format.ts'
import { Facts } from '../../parts/facts.tsx'
import { Notice } from '../../parts/notice.tsx'
import { Blocks } from './blocks.tsx'
import { SettingDialog } from './setting-dialog.tsx'

const LAYERS = { overlay: 'This node says', ledger: 'The mesh says', file: 'The configuration says' } as const

/** What is let through, what is not, and who says so. */
export function Policy({ node: { value } }: { readonly node: NodeView }) {
  const { value: policy, problem, reload } = useAnswer<PolicyView>('policy', 5_000)
  const [changing, setChanging] = useState<Seen<PolicyView>>()
  const reading = useAction()
  const [done, setDone] = useState<string>()
  return (
    <>
      <Blocks inMesh={value?.mesh.state !== 'lone'} />
      <Notice problem={reading.problem ?? problem} done={done} />
      {policy && (
        <section class="card">
          <h2>What applies</h2>
          <Facts of={effective(policy)} />
          {(['overlay', 'ledger', 'file'] as const).map((layer) => {
            const said = Object.entries(policy.layers[layer]).filter(([, one]) => one !== undefined)
            return said.length === 0 ? null : (
              <details key={layer}>
                <summary>{LAYERS[layer]}</summary>
                <pre>{JSON.stringify(Object.fromEntries(said), null, 2)}</pre>
              </details>
            )
          })}
          <button
            type="button"
            class="quiet"
            onClick={() =>
              reading.run(async () => {
                setChanging(await look('policy'))
                return undefined
              })
            }
          >
            Change a setting
          </button>
        </section>
      )}
      {changing && (
        <SettingDialog
          seen={changing}
          inMesh={value?.mesh.state !== 'lone'}
          onClose={() => setChanging(undefined)}
          onDone={(what) => {
            setChanging(undefined)
            setDone(what)
            reload()
          }}
        />
      )}
    </>
  )
}

function effective({ effective: { allow, deny, minimumAge, minimumAgeExceptions } }: PolicyView) {
  const ages = Object.entries(minimumAge).map(([type, ms]) => `${type === '*' ? 'all' : type}: ${format.span(ms)}`)
  return {
    Allowed: allow.join(', ') || 'everything that is not denied',
    Denied: deny.join(', ') || 'nothing',
    'Minimum age': ages.join(', ') || 'none',
    'Exceptions from it': minimumAgeExceptions.join(', ') || 'none',
  }
}
