import { useCallback, useState } from 'preact/hooks'
import type { LayeredMirrorView } from '../../../api/mirrors-schema.ts'
import { look, type Seen } from '../../api/client.ts'
import { useAction } from '../../api/use-action.ts'
import { usePages } from '../../api/use-pages.ts'
import type { NodeView } from '../../api/use-status.ts'
import { Notice } from '../../parts/notice.tsx'
import { MirrorDialog } from './mirror-dialog.tsx'
import { MirrorTestDialog } from './mirror-test.tsx'

interface MirrorsAnswer {
  readonly mirrors: LayeredMirrorView[]
  readonly next: string | null
  readonly problems: readonly string[]
}

type Opened =
  | { readonly kind: 'test'; readonly name: string }
  | { readonly kind: 'edit'; readonly seen?: Seen<LayeredMirrorView> }

/** All mirrors of this node, with where each comes from, and what can be done about them. */
export function Mirrors({ node: { value } }: { readonly node: NodeView }) {
  const [opened, setOpened] = useState<Opened>()
  const [done, setDone] = useState<string>()
  const reading = useAction()
  const edit = (name: string) =>
    reading.run(async () => {
      // What is in the list may be of a while ago.
      setOpened({ kind: 'edit', seen: await look(`mirrors/${encodeURIComponent(name)}`) })
      return undefined
    })
  const pick = useCallback((answer: MirrorsAnswer) => answer.mirrors, [])
  const { items, problem, reload, state, more } = usePages<MirrorsAnswer, LayeredMirrorView>('mirrors?limit=500', pick)
  return (
    <>
      <div class="row">
        <button type="button" onClick={() => setOpened({ kind: 'edit' })}>
          Add a mirror
        </button>
      </div>
      <Notice problem={reading.problem ?? problem} done={done} />
      <section class="card">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">Mirror</th>
              <th scope="col">Protocol</th>
              <th scope="col">Path</th>
              <th scope="col">Upstreams</th>
              <th scope="col">From</th>
              <th scope="col">
                <span class="hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((one) => (
              <tr key={one.name}>
                <th scope="row">{one.name}</th>
                <td data-label="Protocol">{one.mirror?.protocol ?? 'taken away'}</td>
                <td data-label="Path">{one.mirror?.path}</td>
                <td data-label="Upstreams">{one.mirror?.upstreams.join(', ')}</td>
                <td data-label="From">
                  {LAYERS[one.layer]}
                  {one.shadows.length > 0 && (
                    <span class="muted"> over {one.shadows.map(({ layer }) => LAYERS[layer]).join(', ')}</span>
                  )}
                </td>
                <td>
                  <div class="row">
                    <button type="button" class="quiet" onClick={() => edit(one.name)}>
                      Change<span class="hidden"> {one.name}</span>
                    </button>
                    {one.mirror && (
                      <button type="button" class="quiet" onClick={() => setOpened({ kind: 'test', name: one.name })}>
                        Test<span class="hidden"> {one.name}</span>
                      </button>
                    )}
                  </div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {state === 'more' && (
          <button type="button" class="quiet" onClick={more}>
            More
          </button>
        )}
      </section>
      {opened?.kind === 'test' && <MirrorTestDialog name={opened.name} onClose={() => setOpened(undefined)} />}
      {opened?.kind === 'edit' && (
        <MirrorDialog
          seen={opened.seen}
          protocols={[...new Set((value?.mirrors ?? []).map(({ protocol }) => protocol))].sort()}
          inMesh={value?.mesh.state !== 'lone'}
          onClose={() => setOpened(undefined)}
          onDone={(what) => {
            setOpened(undefined)
            setDone(what)
            reload()
          }}
        />
      )}
    </>
  )
}

const LAYERS = { overlay: 'this node', ledger: 'the mesh', file: 'configuration', 'built in': 'built in' } as const
