/** The six examples of the language's design, for tests. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  'quorum/1-quorum-change': `# yaml-language-server: $schema=../scenario-1.schema.json
scenario: 1
title: quorum children come and go with x-blockdev-change
about: >
  A two-way mirror grows to three children, loses the first one, and refuses to
  shrink below its vote threshold. The late joiner is never synchronised.
spec: [quorum.child.add, quorum.child.del, quorum.child.del.threshold, quorum.vote.read]
tags: [quorum, graph, quick]
needs: [driver.quorum, qmp.x-blockdev-change]

images:
  a: raw 1M
  b: raw 1M
  c: raw 1M
nodes:
  a: {driver: file, img: a}
  b: {driver: file, img: b}
  c: {driver: file, img: c}
  q0: {driver: quorum, vote-threshold: 2, children: [a, b]}

steps:
  - phase: both children hold the same data
  - io: q0
    do: write -P 0xa5 0 1M

  - phase: a third child joins
  - qmp: {x-blockdev-change: {parent: q0, node: c}}
  - io: q0
    do: write -P 0x5a 0 64k
  - graph: q0(quorum) -children.2-> c

  - phase: the first child leaves, the threshold protects the other two
  - qmp: {x-blockdev-change: {parent: q0, child: children.0}}
  - qmp: {x-blockdev-change: {parent: q0, child: children.1}}
    expect: error GenericError /cannot be lower than the vote threshold 2/
  - qmp: {x-blockdev-change: {parent: q0}}
    expect: error GenericError
  - qmp: {x-blockdev-change: {parent: a, node: c}}
    expect: error GenericError

  - phase: the late joiner was never synchronised
  - io: q0
    do: |
      read -P 0x5a 0 64k
      read -P 0xa5 64k 64k => EIO
    events:
      - QUORUM_FAILURE: {reference: q0, sector-num: 128, sectors-count: 128}

  - phase: the removed child returns under a fresh name
  - qmp: {x-blockdev-change: {parent: q0, node: a}}
  - graph: picture

after:
  - verify:
      a: 0..64k = 0x5a | rest = 0xa5
      b: 0..64k = 0x5a | rest = 0xa5
      c: 0..64k = 0x5a | rest = 0
`,
  'commit/2-commit-throttle': `# yaml-language-server: $schema=../scenario-1.schema.json
scenario: 1
title: commit with a throttle filter inside the chain
about: >
  top -> thr -> mid -> base. Committing from mid keeps the filter, committing
  from the filter drops it together with mid. The two cases also differ in
  whether the header of top is rewritten.
spec: [commit.filter.keep, commit.filter.drop, commit.header.update, job.finalize.manual]
tags: [commit, filter, jobs]
needs: [driver.throttle, qmp.block-commit.filter-node-name]

matrix:
  from: [mid, thr]

images:
  base: qcow2 1M
  mid: qcow2 backing=base
  top: qcow2 backing=mid
seed:                                  # offline writes, before the target starts
  base: write -P 1 0 1M
  mid: |
    write -P 2 0 64k
    write -P 0x22 512k 64k
  top: write -P 3 128k 64k
objects:
  tg0: {qom-type: throttle-group}
nodes:
  base: {driver: qcow2, img: base, backing: null}
  mid: {driver: qcow2, img: mid, backing: base}
  thr: {driver: throttle, throttle-group: tg0, file: mid}
  top: {driver: qcow2, img: top, backing: thr}

steps:
  - phase: the job reaches pending with its own filter in place
  - qmp:
      block-commit:
        job-id: j0
        device: top
        top-node: $from
        base-node: base
        filter-node-name: cf
        auto-finalize: false
        auto-dismiss: false
  - wait: job j0 pending
  - graph: top ... cf -backing-> $from
  - qmp: {blockdev-del: {node-name: thr}}
    expect: error GenericError           # wording differs per case, golden holds it

  - phase: finalising rewires the chain
  - qmp: {job-finalize: {id: j0}}
  - wait: job j0 concluded
  - if: $from == mid
    do:
      - graph: |
          top -backing-> thr -file-> base
          no node cf
  - if: $from == thr
    do:
      - graph: |
          top -backing-> base
          no node cf
  - qmp: {job-dismiss: {id: j0}}
  - graph: picture

after:
  - verify:
      base: 0..64k = 2 | 64k..512k = 1 | 512k..576k = 0x22 | rest = 1
      top: 0..64k = 2 | 64k..128k = 1 | 128k..192k = 3 | 192k..512k = 1 | 512k..576k = 0x22 | rest = 1
  - img: info top
`,
  'reopen/3-reopen-many': `# yaml-language-server: $schema=../scenario-1.schema.json
scenario: 1
title: blockdev-reopen of several nodes is all or nothing
spec: [reopen.multi.atomic, reopen.perm, reopen.option.missing, reopen.cycle]
tags: [reopen, permissions, quick]
needs: [qmp.blockdev-reopen]

images:
  a: qcow2 1M
  b: qcow2 1M
seed:
  a: write -P 0x11 0 1M
  b: write -P 0x22 0 1M
nodes:
  a-file: {driver: file, img: a}
  b-file: {driver: file, img: b}
  a: {driver: qcow2, file: a-file}
  b: {driver: qcow2, file: b-file}

define:                                     # reusable fragments, plain YAML
  a_on_b: &a_on_b {driver: qcow2, node-name: a, file: b-file}
  b_on_a: &b_on_a {driver: qcow2, node-name: b, file: a-file}

steps:
  - phase: one node alone may not steal the file of the other
  - qmp: {blockdev-reopen: {options: [*a_on_b]}}
    expect: error GenericError /^Permission conflict on node 'b-file'/
  - graph: &straight |
      a -file-> a-file
      b -file-> b-file

  - phase: both together may swap
  - qmp: {blockdev-reopen: {options: [*a_on_b, *b_on_a]}}
  - graph: &crossed |
      a -file-> b-file
      b -file-> a-file
  - io: a
    do: read -P 0x22 0 1M
  - io: b
    do: read -P 0x11 0 1M

  - phase: any bad member leaves every member as it was
  - each:
      second:
        - {driver: qcow2, node-name: nosuch, file: a-file}
        - {driver: raw, node-name: b, file: a-file}
        - {driver: qcow2, node-name: b, file: a-file, overlap-check: bogus}
        - {driver: qcow2, node-name: b}
        - {driver: qcow2, node-name: b, file: b}
    do:
      - qmp:
          blockdev-reopen:
            options:
              - {driver: qcow2, node-name: a, file: b-file, read-only: true}
              - $second
        expect: error GenericError
      - graph: "a{rw} -file-> b-file"
  - graph: *crossed
`,
  'mirror/4-mirror-errors': `# yaml-language-server: $schema=../scenario-1.schema.json
scenario: 1
title: mirror meets one read error under each error policy
spec: [mirror.on-source-error.report, mirror.on-source-error.stop, mirror.on-source-error.ignore, job.verb.state]
tags: [mirror, jobs, faults, events]
needs: [qmp.blockdev-mirror, fault.read.once]

matrix:
  policy: [report, stop, ignore]

images:
  src: raw 1M
  dst: raw 1M
seed:
  src: write -P 0xa5 0 1M
nodes:
  src: {driver: file, img: src, faults: ["read 256k+64k => EIO once"]}
  dst: {driver: file, img: dst}

steps:
  - phase: start
  - qmp:
      blockdev-mirror:
        {job-id: m0, device: src, target: dst, sync: full, on-source-error: $policy,
         granularity: 64k, buf-size: 64k, filter-node-name: mf}
  - wait: event BLOCK_JOB_ERROR
    match: {device: m0, operation: read, action: $policy}

  - if: $policy == report
    do:
      - phase: report ends the job
      - wait: job m0 gone
        events:
          - BLOCK_JOB_COMPLETED: {device: m0, error: Input/output error, offset: ~ < 1M}
          - never: BLOCK_JOB_READY

  - if: $policy == stop
    do:
      - phase: stop parks the job until somebody resumes it
      - wait: job m0 paused
      - qmp: {query-block-jobs: {}}
        return: [{device: m0, io-status: failed, status: paused, offset: ~ 0..1M}]
      - qmp: {job-complete: {id: m0}}
        expect: error GenericError /cannot accept command verb/
      - qmp: {job-resume: {id: m0}}

  - if: $policy != report
    do:
      - phase: the copy becomes ready and pivots
      - wait: job m0 ready
        events:
          - ordered:
              - JOB_STATUS_CHANGE: {id: m0, status: ready}
              - BLOCK_JOB_READY: {device: m0, len: 1M, offset: 1M}
      - graph: mf -backing-> src
      - qmp: {job-complete: {id: m0}}
      - wait: job m0 gone

after:
  - if: $policy == report
    do: [{verify: {dst: "0..256k = 0xa5 | rest = 0"}}]
  - unless: $policy == report
    do: [{verify: {dst: same as src}}]
`,
  'bitmap/5-bitmap-chain': `# yaml-language-server: $schema=../scenario-1.schema.json
scenario: 1
title: incremental backup chain over a persistent dirty bitmap
about: >
  Full backup and bitmap creation are one transaction; two increments follow;
  the bitmap survives a clean restart and turns inconsistent after a crash.
spec: [bitmap.transaction.point, bitmap.incremental.clear, bitmap.persist.clean, bitmap.persist.crash,
       backup.incremental.restore]
tags: [bitmap, backup, transaction, restart, crash]
needs: [qmp.transaction, bitmap.persistent, target.restart, target.kill]
budget: 20s

images:
  disk: qcow2 4M
  full: qcow2 4M
  inc0: qcow2 4M backing=full
  inc1: qcow2 4M backing=inc0
nodes:
  disk: {driver: qcow2, img: disk}

define:
  bitmap: &bitmap
    qmp: {query-named-block-nodes: {flat: true}}
    return: "~ has [{node-name: disk, dirty-bitmaps: [{name: b0, count: $dirty, granularity: 64k}]}]"
    golden: false                          # the picture is in the phase above, keep the transcript short

steps:
  - phase: full backup, bitmap starts at the same instant
  - io: disk
    do: write -P 0x11 0 256k
  - node: {full: {driver: qcow2, img: full}}
  - qmp:
      transaction:
        actions:
          - {type: block-dirty-bitmap-add, data: {node: disk, name: b0, granularity: 64k, persistent: true}}
          - {type: blockdev-backup, data: {job-id: f0, device: disk, target: full, sync: full}}
  - wait: job f0 gone
  - qmp: {blockdev-del: {node-name: full}}

  - phase: two increments
  - each:
      n: [0, 1]
      dirty: [192k, 64k]                   # zipped with n
      write: ["write -P 0x22 64k 64k\\nwrite -P 0x33 1M 128k", "write -P 0x44 2M 64k"]
    do:
      - io: disk
        do: $write
      - *bitmap
      - node: {inc$n: {driver: qcow2, img: inc$n, backing: null}}
      - qmp: {blockdev-backup: {job-id: i$n, device: disk, target: inc$n, sync: incremental, bitmap: b0}}
      - wait: job i$n gone
        events: [{BLOCK_JOB_COMPLETED: {device: i$n, len: $dirty, offset: $dirty}}]
      - qmp: {blockdev-del: {node-name: inc$n}}
  - qmp: {blockdev-backup: {job-id: x, device: disk, target: disk, sync: incremental, bitmap: nosuch}}
    expect: error GenericError /could not be found/

  - phase: a clean restart keeps the bitmap
  - io: disk
    do: write -P 0x55 3M 64k
  - restart: clean
  - save: {b: "query-named-block-nodes[node-name=disk].dirty-bitmaps[0]"}
    return: {recording: true, persistent: true, count: 64k, inconsistent: ~ absent}

  - phase: a crash makes it inconsistent, and only removal is allowed
  - crash: kill
  - restart: as configured
  - save: {b: "query-named-block-nodes[node-name=disk].dirty-bitmaps[0]"}
    return: {recording: false, persistent: true, count: 0, inconsistent: true}
  - node: {inc1: {driver: qcow2, img: inc1, backing: null}}
  - qmp: {blockdev-backup: {job-id: x, device: disk, target: inc1, sync: incremental, bitmap: b0}}
    expect: error GenericError /inconsistent/
  - qmp: {block-dirty-bitmap-remove: {node: disk, name: b0}}

after:
  - img: rebase -u inc1 inc0
  - verify:
      inc1: 0..64k = 0x11 | 64k..128k = 0x22 | 128k..256k = 0x11 | 1M+128k = 0x33 | 2M+64k = 0x44 | rest = 0
  - img: check disk
`,
  'compat/6-deprecation': `# yaml-language-server: $schema=../scenario-1.schema.json
scenario: 1
title: deprecated block interfaces under each compat policy
about: >
  Three kinds of deprecated thing: an argument, a command, and an enum value
  inside a transaction. Under "reject" each fails in its own way and changes nothing.
spec: [compat.deprecated-input.arg, compat.deprecated-input.command, compat.deprecated-input.value,
       compat.schema.features]
tags: [compat, deprecation, quick]
needs: [cli.compat]                     # qemu-system has -compat, the storage daemon does not

matrix:
  input: [accept, reject]
target:
  compat: {deprecated-input: $input}

images:
  base: qcow2 1M
  mid: qcow2 backing=base
  top: qcow2 backing=mid
nodes:
  top: {driver: qcow2, img: top}        # backing chain opens implicitly

define:
  rejected: &rejected {if: $input == reject}

steps:
  - phase: introspection marks it deprecated whatever the policy
  - schema: {command: drive-backup, features: "~ has [deprecated]"}
  - schema: {command: block-commit, arg: base, features: "~ has [deprecated]"}

  - phase: a deprecated argument
  - qmp: {block-commit: {job-id: j0, device: top, base: $img.base, top: $img.mid}}
    expect:
      accept: ok
      reject: error GenericError /^Deprecated parameter base disabled by policy$/
    by: $input
  - wait: job j0 gone
    if: $input == accept

  - phase: a deprecated command
  - qmp: {drive-backup: {job-id: b0, device: top, target: $new.x, format: qcow2, sync: full}}
    expect:
      accept: ok
      reject: error CommandNotFound /^Deprecated command drive-backup disabled by policy$/
    by: $input
  - wait: job b0 gone
    if: $input == accept

  - phase: a deprecated value inside a transaction undoes the whole transaction
  - qmp:
      transaction:
        actions:
          - {type: block-dirty-bitmap-add, data: {node: top, name: b0}}
          - {type: drive-backup, data: {job-id: b1, device: top, target: $new.y, format: qcow2, sync: full}}
    expect:
      accept: ok
      reject: error GenericError /^Deprecated value drive-backup disabled by policy$/
    by: $input
  - wait: job b1 gone
    if: $input == accept
  - qmp: {query-named-block-nodes: {flat: true}}
    return:
      accept: "~ has [{node-name: top, dirty-bitmaps: [{name: b0}]}]"
      reject: "~ has [{node-name: top, dirty-bitmaps: absent}]"
    by: $input
    golden: false
`,
}
