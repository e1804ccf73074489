/** What another ecosystem has: a module of its own. */
export { parseIndex } from './parser.ts'
