import { defineConfig } from 'vite'

export default defineConfig({
  base: '/admin/',
  // What the browser is told about content types and caching is for the route that serves it: nothing is inlined, not even small.
  build: { assetsInlineLimit: 0, modulePreload: false, target: 'es2023', reportCompressedSize: false },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
})
