/** The request paths that a graph is given: it decides who points at whom, they move the data. */
import type { RequestPaths } from '../graph/environment.ts'
import { createNodeIo } from './node-io.ts'
import { createUserIo } from './user-io.ts'

export const requestPaths: RequestPaths = {
  node: createNodeIo,
  user: createUserIo,
}
