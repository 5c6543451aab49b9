/** Diagnostics about a file as YAML. */
export const FILE_CODES = {
  'file-too-large':
    'A scenario file may hold 256k characters. Split it, or move bulk data into a file(…) pattern.',
  'not-text':
    'The file holds control characters, lone carriage returns, or bytes that are no UTF-8.',
  'empty-file': 'The file holds nothing but blanks and comments.',
  'too-deep': 'Collections may be nested 40 levels deep.',
  'several-documents': 'One file is one scenario; a second --- starts a second document.',
  'alias-bomb': 'Aliases are copies. A file may grow to 30000 values once they are expanded.',
  'alias-cycle':
    'An alias stands inside the anchor that it names, so expanding it would never end.',
  'unknown-anchor': 'An alias *name needs an anchor &name earlier in the file.',
  'duplicate-key':
    'Each key of a map stands once. The second would silently win elsewhere; here it is a mistake.',
  'yaml-syntax': 'The text is no YAML. The message is the one of the YAML parser.',
  'yaml-tab': 'YAML does not allow tabs for indentation.',
  'yaml-indent': 'A line is indented by an amount that fits no open collection above it.',
  'yaml-colon':
    "An unquoted value holds ': ', which starts a new key. Put the value in quotes, or in a block after |.",
  'yaml-block-in-flow': 'Inside [ ] and { } only flow style is possible.',
  'yaml-multiline-key':
    'A key must end on its line. Often a colon is missing, or a blank behind it.',
  'yaml-scalar-start': 'Unquoted text can not start with characters such as @, ` or %.',
  'yaml-escape':
    'Double-quoted text knows a fixed set of escapes. Regular expressions are better put in single quotes.',
  'yaml-missing': 'A closing bracket or quote, a comma, or a blank is missing.',
  'yaml-alias': 'An alias can have neither an anchor nor a tag of its own.',
  'yaml-directive': 'Directives such as %YAML 1.1 would change what words mean.',
  'yaml-tag': 'Tags such as !!str are not part of the language: quote the value instead.',
  'yaml-key': 'Keys are plain words or quoted text, not collections and not empty.',
  'yaml-merge': 'The merge key << takes an alias of a map, or a list of those.',
  'too-many-problems': 'Only the first 200 problems of a file are shown.',
} as const
