// Starts Bluesky's reference server and a directory of identities for it, on 127.0.0.1 only.
// Its one argument is JSON: {port, plcPort, folder, keyHex, rateLimits}. Ends when its stdin does.
import http from 'node:http'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import plc from '@did-plc/server'
import { PDS, envToCfg, envToSecrets } from '@atproto/pds'

const listen = http.Server.prototype.listen
http.Server.prototype.listen = function (port, ...rest) {
  // Both packages would listen to the whole network.
  return typeof port === 'number'
    ? listen.call(this, port, '127.0.0.1', ...rest)
    : listen.call(this, port, ...rest)
}

const wanted = JSON.parse(process.argv[2])
const directory = await plc.PlcServer.create({ db: plc.Database.mock(), port: wanted.plcPort })
await directory.start()

const blobs = join(wanted.folder, 'blobs')
mkdirSync(blobs, { recursive: true })
const manifest = new URL('./node_modules/@atproto/pds/package.json', import.meta.url)
const settings = {
  devMode: true,
  version: JSON.parse(readFileSync(manifest)).version,
  port: wanted.port,
  hostname: 'localhost',
  dataDirectory: wanted.folder,
  blobstoreDiskLocation: blobs,
  didPlcUrl: `http://127.0.0.1:${wanted.plcPort}`,
  serviceHandleDomains: ['.example.org'],
  inviteRequired: false,
  adminPassword: wanted.keyHex,
  jwtSecret: wanted.keyHex,
  plcRotationKeyK256PrivateKeyHex: wanted.keyHex,
  disableSsrfProtection: true,
  crawlers: [],
  rateLimitsEnabled: wanted.rateLimits,
  bskyAppViewUrl: 'http://127.0.0.1:1',
  bskyAppViewDid: 'did:example:invalid',
}
const server = await PDS.create(envToCfg(settings), envToSecrets(settings))
await server.start()
console.log('ready')

process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
