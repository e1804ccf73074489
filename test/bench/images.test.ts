import { expect, test } from 'vitest'
import { eachPart, imageOf, imagePaths } from './images.ts'

test('the layers of an image have as many bytes as they are to have, and no two images share one', async () => {
  const [one, other] = [
    await imageOf('onex', { layers: 3, bytes: 16_384 }),
    await imageOf('otherx', { layers: 3, bytes: 16_384 }),
  ]
  expect(one.image.blobs.slice(1).map(({ descriptor }) => descriptor.size)).toEqual([16_384, 16_384, 16_384])
  expect(new Set([one, other].flatMap((image) => imagePaths(image).layers)).size).toBe(6)
})

test('all that a pull asks for is told of with its length: manifest by tag and digest, configuration and layers', async () => {
  const one = await imageOf('onex', { layers: 2, bytes: 1000 })
  const told = new Map<string, number>()
  await eachPart([one], async (paths, bytes) => {
    for (const path of paths) told.set(path, bytes)
  })
  const { byTag, byDigest, layers } = imagePaths(one)
  const [config] = one.image.blobs
  expect([...told.keys()].slice(0, 2)).toEqual([byTag, byDigest])
  expect(told.size).toBe(5)
  expect(told.get(byTag)).toBe(one.image.bytes.length)
  expect(layers.map((path) => told.get(path))).toEqual([1000, 1000])
  expect(told.get(`/v2/library/bench/blobs/${config?.descriptor.digest}`)).toBe(config?.descriptor.size)
})
