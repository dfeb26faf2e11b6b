// Prints each deletion vector of a Puffin file as one element of a JSON array: its properties, its positions, and the bitmaps as
// CRoaring itself would write them. Puffin is taken apart here, by its specification; Roaring is CRoaring's.
import { readFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { RoaringBitmap32 } from 'roaring-wasm'

const check = (truth, what) => { if (!truth) throw new Error(`${process.argv[2]}: ${what}`) }
const file = await readFile(process.argv[2])
const magic = 'PFA1'
const at = (start, length) => file.subarray(start, start + length)
check(at(0, 4).toString('latin1') === magic && at(file.length - 4, 4).toString('latin1') === magic, 'no magic at its ends')
const footerLength = file.readInt32LE(file.length - 12)
const footerStart = file.length - 12 - footerLength
check(at(footerStart - 4, 4).toString('latin1') === magic, 'no magic before the footer')
check(file.readInt32LE(file.length - 8) === 0, 'a compressed footer')
const footer = JSON.parse(at(footerStart, footerLength).toString('utf8'))

const vectors = []
for (const blob of footer.blobs) {
  check(blob.type === 'deletion-vector-v1', `a blob of type ${blob.type}`)
  check(blob['compression-codec'] === undefined, 'a compressed vector')
  const bytes = at(blob.offset, blob.length)
  check(bytes.readUInt32BE(0) === bytes.length - 8, 'a vector of another length')
  const body = bytes.subarray(4, bytes.length - 4)
  check(body.subarray(0, 4).toString('hex') === 'd1d33964', 'a vector without magic')
  check(bytes.readUInt32BE(bytes.length - 4) === crc32(body), 'a wrong checksum')
  let position = 12
  const positions = []
  const written = [body.subarray(4, 12)]
  for (let left = body.readBigInt64LE(4); left > 0n; left--) {
    const key = body.readInt32LE(position)
    const bitmap = RoaringBitmap32.deserialize('portable', body.subarray(position + 4))
    // The containers are as they lay, so their size is that of the bytes they came from.
    const length = bitmap.getSerializationSizeInBytes('portable')
    check(Buffer.from(bitmap.serialize('portable')).equals(body.subarray(position + 4, position + 4 + length)), 'a bitmap that CRoaring writes otherwise')
    for (const low of bitmap) positions.push((BigInt(key) << 32n | BigInt(low)).toString())
    const own = new RoaringBitmap32([...bitmap])
    own.runOptimize()
    written.push(body.subarray(position, position + 4), Buffer.from(own.serialize('portable')))
    position += 4 + length
    bitmap.dispose()
    own.dispose()
  }
  check(position === body.length, `${body.length - position} bytes behind the bitmaps`)
  vectors.push({ ...blob.properties, positions, written: Buffer.concat(written).toString('base64') })
}
console.log(JSON.stringify(vectors))
