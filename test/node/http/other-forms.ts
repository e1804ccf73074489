/** What another ecosystem has: a module of its own. */
export { lines } from './forms.ts'
