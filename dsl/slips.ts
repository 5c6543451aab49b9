/** The usual slips inside the mini-languages: the grammars name them, the words stand here. */
import type { Code } from './codes.ts'
import { nearest } from './suggest.ts'

export interface Slip {
  readonly code: Code
  readonly message: string
  readonly help?: string | undefined
}

const IO_VERBS = [
  'write',
  'writev',
  'read',
  'readv',
  'aio_write',
  'aio_read',
  'zero',
  'discard',
  'flush',
  'truncate',
  'map',
  'alloc',
  'await',
  'verify',
  'for',
]

/** Spellings of other tools, and what is meant here. */
const OTHER_VERBS: Readonly<Record<string, string>> = {
  aio_flush: 'use await TAG for each request that has a tag',
  resize: 'the verb is truncate',
  trim: 'the verb is discard',
  sync: 'the verb is flush, or await TAG',
  check: 'the verb is verify',
  w: 'the verb is write',
  r: 'the verb is read',
}

const FAULT_OPERATIONS = ['read', 'write', 'zero', 'discard', 'flush', 'status']

const OTHER_REQUESTS: Readonly<Record<string, string>> = {
  trim: 'the word is discard',
  unmap: 'the word is discard',
  map: 'the word is status',
  any: 'the request comes first: read any, write any',
  sync: 'the word is flush',
  fsync: 'the word is flush',
}

type Words = (detail: string) => { readonly message: string; readonly help?: string | undefined }

const WORDS: Partial<Record<Code, Words>> = {
  'io-unknown-verb': (word) =>
    word === 'sleep'
      ? { message: 'there is no sleep', help: 'wait for a condition, or advance virtual time' }
      : {
          message: `no I/O statement is called '${word}'`,
          help: OTHER_VERBS[word] ?? suggestion(word, IO_VERBS),
        },
  'nbd-unknown-verb': (word) => ({
    message: `no NBD statement is called '${word}'`,
    help: suggestion(word, ['info', 'list', 'meta', 'read', 'write']),
  }),
  'io-unknown-flag': (flag) => ({
    message: `there is no option ${flag}`,
    help: /^-[qCvp]+$/.test(flag)
      ? 'options that only change output are not needed'
      : 'the options are -P PATTERN, -z, -u, -n, -c, -f, -s OFFSET -l LENGTH',
  }),
  'io-errno-case': (word) => ({
    message: `'${word}' is no errno name`,
    help: `errno names are upper case: ${word.toUpperCase()}`,
  }),
  'io-unknown-outcome': (word) => ({
    message: /^[a-z]+$/.test(word) ? `no outcome is called '${word}'` : word,
    help: suggestion(word, ['ok', 'mismatch', 'pending', 'refused', 'any']),
  }),
  'io-size-suffix': (word) => ({
    message: `'${word}' is no size`,
    help: sizeHelp(word),
  }),
  'io-unknown-pattern': (word) => ({
    message: `'${word}' is no pattern`,
    help: 'patterns are a byte, seq(4), lba, rand(7), hex(00ff), file(path@0)',
  }),
  'fault-operation': (word) => ({
    message: `no request is called '${word}'`,
    help:
      OTHER_REQUESTS[word] ??
      suggestion(word, FAULT_OPERATIONS) ??
      `requests are ${FAULT_OPERATIONS.join(', ')}`,
  }),
  'fault-effect': (word) =>
    word === 'delay'
      ? { message: 'a delay names a duration', help: 'such as delay 2s' }
      : {
          message: word === '' ? 'an errno name is missing' : `'${word}' is no errno name`,
          help: 'a fault ends in => EIO, delay 2s, suspend as NAME or torn 512',
        },
  'fault-mode': (word) => ({
    message: `a fault takes no '${word}'`,
    help: suggestion(word, ['once', 'after']) ?? 'behind the error stand once and after N',
  }),
  'schedule-unknown': (word) => ({
    message: `no schedule is called '${word}'`,
    help:
      suggestion(word, ['free', 'all', 'seed', 'fixed']) ??
      'schedules are free, all, seed 7, fixed [guest, job, guest]',
  }),
  'match-number': (word) => ({ message: `'${word}' is no number`, help: sizeHelp(word) }),
  'match-unknown-type': (word) => ({
    message: `no type is called '${word}'`,
    help: 'types are string, int, bool, object, array',
  }),
  'expect-class': (word) => ({
    message: `'${word}' is no error class`,
    help: `error classes are written like GenericError; did you mean '${nearest(word, CLASSES) ?? 'GenericError'}'?`,
  }),
  'expect-unknown': (word) => ({
    message: `no expectation is called '${word}'`,
    help: suggestion(word, ['ok', 'error', 'any']) ?? 'expectations are ok, error …, any',
  }),
  'wait-unknown': (word) => ({
    message: `nothing called '${word}' can be waited for`,
    help:
      suggestion(word, ['job', 'event', 'graph', 'quiet', 'exit']) ??
      'wait for: job ID STATUS, event NAME, graph CLAIM, quiet, exit',
  }),
}

export const CLASSES = [
  'GenericError',
  'CommandNotFound',
  'DeviceNotActive',
  'DeviceNotFound',
  'KVMMissingCap',
] as const

export function explainSlip(code: Code, detail: string): Slip {
  return { code, ...(WORDS[code]?.(detail) ?? { message: detail }) }
}

function suggestion(word: string, known: readonly string[]): string | undefined {
  const best = nearest(word, known)
  return best === undefined ? undefined : `did you mean '${best}'?`
}

function sizeHelp(word: string): string {
  const found = /^(?:0x)?([0-9]+)([mgtMGTkK])(?:i?[bB])?$/.exec(word)
  if (found === null) return 'a size is digits and one of the suffixes k, M, G, T'
  const unit = found[2] ?? ''
  const right = unit.toLowerCase() === 'k' ? 'k' : unit.toUpperCase()
  return `suffixes are k, M, G, T: ${found[1] ?? ''}${right}`
}
