/** A text that is one JSON value, as command lines give it. */
import { BlockError } from '../../util/errors.ts'
import type { Json } from '../../util/json.ts'
import { JsonParser } from './parser.ts'

/** @throws {BlockError} for the first thing that is wrong with it. */
export function parseJsonText(text: string): Json {
  const values: Json[] = []
  const errors: BlockError[] = []
  const parser = new JsonParser({
    value: (value) => values.push(value),
    error: (error) => errors.push(values.length > 0 ? tooMany() : error),
  })
  parser.push(new TextEncoder().encode(text))
  parser.end()
  const [error] = errors
  if (error !== undefined) throw error
  const [value] = values
  if (value === undefined) throw new BlockError('Expecting a JSON value')
  if (values.length > 1) throw tooMany()
  return value
}

function tooMany(): BlockError {
  return new BlockError('Expecting at most one JSON value')
}
