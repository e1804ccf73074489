import { defineConfig } from 'vitest/config'

/** Tests that measure: beside others they would measure those as well. */
const ALONE = 'test/**/*.alone.test.ts'

export default defineConfig({
  test: {
    // Two workers: the suite is sized for two cores, and real clients are processes of their own.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: process.env.CI ? ['default', ['json', { outputFile: 'coverage/report.json' }]] : ['default'],
    projects: [
      {
        extends: true,
        test: { name: 'suite', include: ['test/**/*.test.ts'], exclude: [ALONE], sequence: { groupOrder: 0 } },
      },
      { extends: true, test: { name: 'alone', include: [ALONE], sequence: { groupOrder: 1 } } },
    ],
  },
})
