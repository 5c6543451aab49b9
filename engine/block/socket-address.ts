/** Socket addresses as options have them; `engine/nbd/address.ts` turns them into the host's. */
import { opt, shape, type Members } from './option.ts'

const INET: Members = {
  host: opt.str({ doc: 'Host name or address.' }),
  port: opt.str({ doc: 'Port number.' }),
  numeric: opt.bool({ optional: true, doc: 'The host is an address, no name to look up.' }),
  to: opt.uint16({ optional: true, doc: 'Listen on a free port up to this one.' }),
  ipv4: opt.bool({ optional: true, doc: 'Whether IPv4 addresses will do.' }),
  ipv6: opt.bool({ optional: true, doc: 'Whether IPv6 addresses will do.' }),
  'keep-alive': opt.bool({ optional: true, doc: 'Find out when the other end has vanished.' }),
  mptcp: opt.bool({ optional: true, doc: 'Use several paths where the system can.' }),
}

const UNIX: Members = {
  path: opt.str({ doc: 'Path of the socket.' }),
  abstract: opt.bool({ optional: true, doc: 'The path is a name outside the file system.' }),
  tight: opt.bool({ optional: true, doc: 'No zero bytes follow an abstract name; default on.' }),
}

const VSOCK: Members = {
  cid: opt.str({ doc: 'Number of the machine.' }),
  port: opt.str({ doc: 'Port number.' }),
}

const FD: Members = { str: opt.str({ doc: 'Name or number of an open socket.' }) }

export const ADDRESS_TYPE = opt.enum('SocketAddressType', ['inet', 'unix', 'vsock', 'fd'])

/** Members by type of address. */
export const ADDRESS_MEMBERS = { inet: INET, unix: UNIX, vsock: VSOCK, fd: FD } as const

/** What the members of each type are called together. */
export const ADDRESS_SHAPES = {
  inet: shape.struct('InetSocketAddress', INET),
  unix: shape.struct('UnixSocketAddress', UNIX),
  vsock: shape.struct('VsockSocketAddress', VSOCK),
  fd: shape.struct('String', FD),
} as const
