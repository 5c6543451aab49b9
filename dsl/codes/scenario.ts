/** Diagnostics about a scenario: its keys, steps, names and variables. */
export const SCENARIO_CODES = {
  'no-version':
    'A scenario starts with the format version, scenario: 1. A file with fragment: 1 is played with use.',
  'bad-version': 'The format version is a number, 1 or 1.0.',
  'newer-version':
    'The file asks for a format that this program does not read. A newer program does.',
  'unknown-key': 'No such key exists at this place. Keys that start with _ are free for tools.',
  'missing-key': 'A key that is needed here is missing.',
  'wrong-type': 'A value of another kind is due here.',
  'not-built-yet': 'The language has this, but nobody has built it yet.',
  'title-line': 'A title is one line of text.',
  'unknown-clause': 'The clause is not in the table of clauses (scenarios/clauses.yaml).',
  'bad-clause': 'A clause id is letters, digits, dots and dashes, such as QUO-3.',
  'duplicate-item': 'An item of this list stands there twice.',
  'bad-tag': 'Tags are lower case words with digits and dashes.',
  'quarantine-reason':
    'A scenario in quarantine names a link and a date until which it may stay there.',
  'unknown-profile': 'Profiles are qemu, note and note-transition.',
  'unknown-preset':
    'The preset stands neither in the area nor in the suite: blockspec.config.yaml.',
  'unknown-time': 'Time is virtual or real.',
  'real-time-slow':
    "A scenario in real time needs the tag 'slow', so that quick runs can leave it out.",
  'bad-duration': 'Durations are 100ns, 10us, 500ms, 1.5s, 2m, 1h; at most 24h.',
  'bad-size': 'Sizes are decimal or 0x digits with one of the suffixes k, M, G, T.',
  'golden-option': 'golden: {order: strict, graph: [types, perms]}.',
  'tidy-reason': 'A hygiene check is turned off by name, with a reason of some words.',
  'matrix-empty': 'After exclude no case is left.',
  'too-many-cases': 'A matrix may have 500 cases. Split the scenario, or exclude.',
  'duplicate-case': 'Two cases would have the same id.',
  'unknown-variable': 'exclude and include name variables of the matrix.',
  'exclude-nothing': 'An item of exclude fits no case.',
  'include-nothing': 'An item of include adds no case.',
  'unused-variable':
    'A variable of the matrix that nothing depends on multiplies cases for nothing.',
  'undefined-variable':
    'No such variable is in scope. A literal dollar is $$. Fragments see only their inputs.',
  'duplicate-variable':
    'Variables can not hide each other: matrix, params, loops and saved values share one space of names.',
  'runtime-variable':
    'Paths and saved values are only known while the scenario runs; here a value is needed before.',
  'variable-in-text': 'A list or a map can only stand for a whole value, not inside text.',
  'unknown-param': 'A --set names no parameter of any selected scenario.',
  'bad-name':
    'Names start with a letter or _, and hold letters, digits, _ (and . and - for images and nodes).',
  'name-twice': 'The key is the name already; the option would give it again.',
  'duplicate-name': 'Something of that name exists at this point.',
  'unknown-node': 'No node of that name exists at this point, as far as the text shows.',
  'unknown-image': 'No image of that name exists at this point.',
  'unknown-export': 'No export of that name exists at this point.',
  'unknown-object': 'No object of that name exists at this point.',
  'unknown-save': 'No value of that name was saved before.',
  'bad-subject': 'A subject is NAME, node:NAME, img:NAME or nbd:EXPORT.',
  'path-outside':
    'Absolute paths and .. would lead out of the suite; scenario files are untrusted.',
  'unknown-step': 'A step is recognised by its key; none of the keys here names one.',
  'two-step-kinds': 'A step is one thing. Often the dash of a second list item is missing.',
  'too-many-steps': 'A scenario may have 30000 steps, loops unrolled, all cases together.',
  'too-many-io-lines': 'A scenario may have 60000 I/O lines, loops unrolled, all cases together.',
  'no-sleep':
    'There is no sleep. Wait for a condition; claims about what has not happened yet use advance.',
  'phase-line': 'A phase is a heading: one line of text.',
  'qmp-two-commands': 'A qmp step sends one command: qmp: {command: {arguments}}.',
  'bad-command': 'What is no command name is sent with raw.',
  'return-with-error': 'A command that is expected to fail has no return value to claim.',
  'by-variable': "'by' names one variable of the matrix, a parameter or a loop variable.",
  'by-missing': "The map lacks a key for one of the variable's values.",
  'unknown-channel': 'Channels are nbd, hmp, device, direct and tool.',
  'restart-how': 'A restart is clean or as configured.',
  'fault-place':
    'Faults are part of a node in nodes or of a node step; commands are sent as they are.',
  'fault-node':
    'Faults come and go at run time on a node that was declared with faults, if only with an empty list.',
  'fault-step': 'A fault step is {on: NODE, add: "…"}, {resume: NAME} or {clear: NODE}.',
  'fault-tag': 'Two faults suspend under one name.',
  'unknown-breakpoint': 'No fault suspends requests under this name at this point.',
  'crash-how': 'A crash is kill: the target ends without a shutdown.',
  'together-actors': 'Steps are played together by two actors or more, each a named list of steps.',
  'together-place':
    'together stands among the steps of the scenario itself: not in a loop, a condition, a fragment, after or finally.',
  'together-nested': 'Actors do not split again.',
  'together-step':
    'This step is about the whole target or the whole transcript, so no single actor can play it.',
  'together-events': 'Events of actors are claimed at the together step, whoever caused them.',
  'together-strict': 'With golden: {order: strict} lanes can not be told apart; actors are lanes.',
  'together-twice': 'One together step of a case may play all orders.',
  'schedule-actor': 'A fixed order names only actors of its step.',
  'schedule-steps':
    'A fixed order names each actor as often as it has steps; sugar for several names is several steps.',
  'schedule-bound': 'A schedule of all orders plays 1 to 2000 of them.',
  'schedule-unbounded':
    'There are more orders than the bound. Shorten the lanes, raise the bound (all 500), or take a seed.',
  'schema-subject': 'A schema step is about one command, event or type.',
  'schema-absent': 'With present: false nothing else can be claimed.',
  'match-without-event': "'match' is about the data of an awaited event.",
  'each-empty': 'A list of values is empty, so nothing would run.',
  'each-lengths': 'Several lists of one loop are zipped, so they have one length.',
  'no-fragment': 'There is no such file, or it does not start with fragment: 1.',
  'broken-fragment':
    'The fragment has mistakes of its own; they are listed once, where it is first used.',
  'cyclic-use': 'A fragment uses itself, directly or through others.',
  'use-too-deep': 'Fragments may use each other 8 levels deep.',
  'unknown-input': 'The fragment does not declare this input.',
  'missing-input': 'The fragment declares an input without a default, and use does not give it.',
  'event-name': 'Event names are upper case with underscores.',
  'events-unknown': 'Claims about events are NAME, ordered, set, never, times N, optional, only.',
  'events-two-keys': 'Each claim about events is a list item of its own.',
  'events-too-few': "'ordered' and 'set' are about two events or more.",
  'events-times': "'times' is followed by a count of at least 1.",
} as const
