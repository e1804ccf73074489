import { LoneMesh } from '../../../node/mesh/lone-mesh.ts'
import { meshConformance } from '../../conformance/mesh.ts'

meshConformance('LoneMesh', async () => {
  const mesh = new LoneMesh()
  return { mesh, stop: () => mesh.close() }
})
