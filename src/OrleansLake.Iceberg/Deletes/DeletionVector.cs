using System.Buffers.Binary;
using System.Globalization;
using OrleansLake.Iceberg.Puffin;

namespace OrleansLake.Iceberg.Deletes;

/// <summary>
/// Deletion vectors: the deleted positions of one data file as a blob of a Puffin file: length, magic, Roaring bitmap,
/// checksum. https://iceberg.apache.org/puffin-spec/#deletion-vector-v1-blob-type
/// </summary>
public static class DeletionVector
{
    private const int LengthBytes = 4;
    private const int ChecksumBytes = 4;

    private static ReadOnlySpan<byte> Magic => [0xD1, 0xD3, 0x39, 0x64];

    /// <summary>The blob of a set.</summary>
    public static byte[] ToBlob(PositionSet positions)
    {
        byte[] bitmap = RoaringFormat.Write(positions);
        var blob = new byte[LengthBytes + Magic.Length + bitmap.Length + ChecksumBytes];
        BinaryPrimitives.WriteInt32BigEndian(blob, Magic.Length + bitmap.Length);
        Magic.CopyTo(blob.AsSpan(LengthBytes));
        bitmap.CopyTo(blob, LengthBytes + Magic.Length);
        BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(blob.Length - ChecksumBytes), Crc32.Of(blob.AsSpan(LengthBytes, Magic.Length + bitmap.Length)));
        return blob;
    }

    /// <summary>The set of a blob.</summary>
    /// <exception cref="IcebergFormatException">The blob is no deletion vector, or damaged.</exception>
    public static PositionSet FromBlob(ReadOnlySpan<byte> blob, string file)
    {
        const string place = "deletion vector";
        if (blob.Length < LengthBytes + Magic.Length + ChecksumBytes || BinaryPrimitives.ReadInt32BigEndian(blob) != blob.Length - LengthBytes - ChecksumBytes)
        {
            throw new IcebergFormatException(file, place, $"expected its length in front of {blob.Length} bytes");
        }

        var body = blob[LengthBytes..^ChecksumBytes];
        if (!body.StartsWith(Magic))
        {
            throw new IcebergFormatException(file, place, $"expected magic D1D33964, got {Convert.ToHexString(body[..4])}");
        }

        uint checksum = BinaryPrimitives.ReadUInt32BigEndian(blob[^ChecksumBytes..]);
        return checksum == Crc32.Of(body)
            ? RoaringFormat.Read(body[Magic.Length..], file, place)
            : throw new IcebergFormatException(file, place, $"expected checksum {checksum:X8}, got {Crc32.Of(body):X8}");
    }

    /// <summary>Reads the vector that a manifest describes.</summary>
    /// <exception cref="IcebergFormatException">The descriptor does not say where the vector lies, or it is damaged or of another size.</exception>
    public static async Task<PositionSet> ReadAsync(IObjectStore store, DataFile file, CancellationToken cancellationToken)
    {
        if (file.ContentPosition is not long position || file.ContentSizeBytes is not (>= 0 and <= int.MaxValue) || position < 0)
        {
            throw new IcebergFormatException(file.FilePath, "deletion vector", $"expected its place in the manifest, got position {file.ContentPosition}, size {file.ContentSizeBytes}");
        }

        var blob = await store.ReadRangeAsync(file.FilePath, position, (int)file.ContentSizeBytes, cancellationToken).ConfigureAwait(false);
        var positions = FromBlob(blob.Span, file.FilePath);
        return positions.Count == file.RecordCount
            ? positions
            : throw new IcebergFormatException(file.FilePath, "deletion vector", $"expected {file.RecordCount} positions, as the manifest says, got {positions.Count}");
    }

    /// <summary>
    /// Writes the vectors of some data files into one Puffin file and describes each, ready for a row delta. The positions
    /// must hold those of the vector (or position deletes) that it takes the place of: a data file has at most one.
    /// </summary>
    public static async Task<IReadOnlyList<DataFile>> WriteAsync(
        IObjectStore store, string location, IReadOnlyList<(DataFile DataFile, PositionSet Positions)> vectors, CancellationToken cancellationToken)
    {
        await using var destination = store.OpenWrite(location);
        var writer = new PuffinWriter(destination, new Dictionary<string, string> { ["created-by"] = "OrleansLake" });
        var blobs = new List<PuffinBlob>(vectors.Count);
        foreach (var (file, positions) in vectors)
        {
            var blob = new PuffinBlob
            {
                Type = PuffinBlob.DeletionVectorType,
                // The reserved id of _pos, as Java writes it.
                Fields = [MetadataColumns.RowPosition.Id],
                SnapshotId = -1,
                SequenceNumber = -1,
                Properties = new Dictionary<string, string>
                {
                    ["referenced-data-file"] = file.FilePath,
                    ["cardinality"] = positions.Count.ToString(CultureInfo.InvariantCulture),
                },
            };
            blobs.Add(await writer.AppendAsync(blob, ToBlob(positions), cancellationToken).ConfigureAwait(false));
        }

        long size = await writer.FinishAsync(cancellationToken).ConfigureAwait(false);
        await destination.CompleteAsync(cancellationToken).ConfigureAwait(false);
        return [.. vectors.Zip(blobs, (vector, blob) => new DataFile
        {
            Content = DataFileContent.PositionDeletes,
            FilePath = location,
            FileFormat = "puffin",
            SpecId = vector.DataFile.SpecId,
            Partition = vector.DataFile.Partition,
            RecordCount = vector.Positions.Count,
            FileSizeBytes = size,
            ReferencedDataFile = vector.DataFile.FilePath,
            ContentPosition = blob.Position,
            ContentSizeBytes = blob.LengthBytes,
        })];
    }
}

/// <summary>CRC-32 of zip and PNG.</summary>
internal static class Crc32
{
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(i =>
    {
        uint value = (uint)i;
        for (int bit = 0; bit < 8; bit++)
        {
            value = (value & 1) != 0 ? (value >> 1) ^ 0xEDB88320 : value >> 1;
        }

        return value;
    })];

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte one in bytes)
        {
            crc = Table[(byte)(crc ^ one)] ^ (crc >> 8);
        }

        return ~crc;
    }
}
