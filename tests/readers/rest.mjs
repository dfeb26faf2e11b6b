// Prints what a REST catalog says to iceberg-js, and the rows that icebird reads of one of its tables, as one line of JSON:
// node rest.mjs CATALOG WAREHOUSE NAMESPACE TABLE S3
import { IcebergRestCatalog } from 'iceberg-js'
import { icebergRead } from 'icebird'

const [uri, warehouse, namespace, name, s3] = process.argv.slice(2)
const catalog = new IcebergRestCatalog({ baseUrl: uri, warehouse, accessDelegation: ['vended-credentials'] })
const all = async (list, of) => {
  const found = []
  for (let pageToken; ;) {
    const page = await list(pageToken)
    found.push(...page[of])
    pageToken = page.nextPageToken ?? page['next-page-token']
    if (!pageToken) return found
  }
}
const namespaces = await all(pageToken => catalog.listNamespaces({ pageToken }), 'namespaces')
const tables = await all(pageToken => catalog.listTables({ namespace: [namespace] }, { pageToken }), 'identifiers')
const absent = await catalog.tableExists({ namespace: [namespace], name: `no_${name}` })
const loaded = await catalog.loadTableResult({ namespace: [namespace], name })

// icebird asks Amazon for the objects of s3://: here another server has them.
const fetched = globalThis.fetch
globalThis.fetch = (url, init) => {
  const found = /^https:\/\/([^/]+)\.s3\.amazonaws\.com\/(.*)$/.exec(`${url}`)
  return fetched(found ? `${s3}${found[1]}/${found[2]}` : url, init)
}
const rows = await icebergRead({ tableUrl: loaded.metadata.location, metadata: loaded.metadata })
console.log(JSON.stringify({ namespaces, tables, absent, loaded, rows }, (_, value) => typeof value === 'bigint' ? value.toString() : value))
