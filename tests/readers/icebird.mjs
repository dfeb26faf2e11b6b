// Prints the rows of each table named by its directory as one line of JSON, or {"error": …} for one that it cannot read. icebird reads over HTTP: its requests for files are answered from disk.
import { open, stat } from 'node:fs/promises'
import { icebergRead } from 'icebird'

globalThis.fetch = async (url, init) => {
  const path = url instanceof URL || url.startsWith('file://') ? decodeURIComponent(new URL(url).pathname) : url
  let size
  try {
    size = (await stat(path)).size
  } catch {
    return new Response(null, { status: 404, statusText: 'not found' })
  }
  if (init?.method === 'HEAD') return new Response(null, { headers: { 'Content-Length': `${size}` } })
  const range = /^bytes=(\d+)-(\d*)$/.exec(new Headers(init?.headers).get('Range') ?? '')
  const first = range ? Number(range[1]) : 0
  const last = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1
  const bytes = Buffer.alloc(last - first + 1)
  const file = await open(path)
  try {
    await file.read(bytes, 0, bytes.length, first)
  } finally {
    await file.close()
  }
  return new Response(bytes, { status: range ? 206 : 200 })
}

// What JSON has no word for is text: 64-bit integers, bytes, NaN.
const shown = (_, value) => typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)) ? value.toString()
  : value instanceof Uint8Array ? `hex:${Buffer.from(value).toString('hex')}`
  : value
for (const table of process.argv.slice(2)) {
  try {
    console.log(JSON.stringify(await icebergRead({ tableUrl: table }), shown))
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }))
  }
}
