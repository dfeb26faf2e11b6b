using System.Buffers.Binary;
using System.Numerics;

namespace OrleansLake.Iceberg.Puffin;

/// <summary>
/// Estimates how many distinct values were seen: the smallest hashes of them, and below which share of all hashes they lie. Its
/// bytes are those of Apache DataSketches' compact Theta sketches with the default seed.
/// https://iceberg.apache.org/puffin-spec/#apache-datasketches-theta-v1-blob-type
/// </summary>
/// <remarks>Values are hashed in Iceberg's single-value form.</remarks>
public sealed class ThetaSketch
{
    private const int NominalEntries = 4096;
    private const ulong Seed = 9001;
    private const ushort SeedHash = 0x93CC;
    private const byte SerialVersion = 3;
    private const byte CompactFamily = 3;

    // Read only, compact, ordered.
    private const byte Flags = 0x1A;
    private const byte EmptyFlag = 4;
    private const byte SingleFlag = 32;
    private const byte BigEndianFlag = 1;

    private readonly HashSet<long> _hashes = [];
    private long _theta = long.MaxValue;

    /// <summary>How many distinct values there were, about.</summary>
    public double Estimate => _theta == long.MaxValue ? _hashes.Count : _hashes.Count / (_theta / (double)long.MaxValue);

    /// <summary>Takes in a value.</summary>
    public void Add(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            // DataSketches leaves empty ones out.
            return;
        }

        Add((long)(Murmur128.Hash(value, Seed) >> 1));
    }

    /// <summary>Takes in what another sketch has seen.</summary>
    public void UnionWith(ThetaSketch other)
    {
        _theta = Math.Min(_theta, other._theta);
        _hashes.RemoveWhere(hash => hash >= _theta);
        foreach (long hash in other._hashes)
        {
            Add(hash);
        }
    }

    /// <summary>The sketch as a blob.</summary>
    public byte[] ToBytes()
    {
        Shrink(NominalEntries);
        long[] hashes = [.. _hashes.Order()];
        bool isExact = _theta == long.MaxValue;
        int preamble = !isExact ? 3 : hashes.Length <= 1 ? 1 : 2;
        var bytes = new byte[8 * (preamble + hashes.Length)];
        bytes[0] = (byte)preamble;
        bytes[1] = SerialVersion;
        bytes[2] = CompactFamily;
        bytes[5] = (byte)(Flags | (isExact && hashes.Length == 0 ? EmptyFlag : 0) | (isExact && hashes.Length == 1 ? SingleFlag : 0));
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), SeedHash);
        if (preamble > 1)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), hashes.Length);
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(12), 1);
        }

        if (preamble > 2)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), _theta);
        }

        for (int i = 0; i < hashes.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8 * (preamble + i)), hashes[i]);
        }

        return bytes;
    }

    /// <summary>Reads a blob.</summary>
    /// <param name="blob">Its bytes, not compressed.</param>
    /// <param name="file">Where it lies, for messages.</param>
    /// <exception cref="IcebergFormatException">It is none, of another version or seed.</exception>
    public static ThetaSketch FromBytes(ReadOnlySpan<byte> blob, string file)
    {
        if (blob.Length < 8 || blob[1] != SerialVersion || blob[2] != CompactFamily || (blob[5] & BigEndianFlag) != 0)
        {
            throw new IcebergFormatException(file, "theta sketch", $"expected a compact sketch of version {SerialVersion}, got {blob.Length} bytes that are none");
        }

        var sketch = new ThetaSketch();
        if ((blob[5] & EmptyFlag) != 0)
        {
            return sketch;
        }

        int preamble = blob[0] & 0x3F;
        long count = preamble == 1 ? 1 : blob.Length >= 16 ? BinaryPrimitives.ReadInt32LittleEndian(blob[8..]) : -1;
        if (preamble is < 1 or > 3 || count < 0 || blob.Length < 8 * (preamble + count) || BinaryPrimitives.ReadUInt16LittleEndian(blob[6..]) != SeedHash)
        {
            throw new IcebergFormatException(file, "theta sketch", $"expected {count} hashes of the default seed behind {preamble} longs, got {blob.Length} bytes");
        }

        sketch._theta = preamble == 3 ? BinaryPrimitives.ReadInt64LittleEndian(blob[16..]) : long.MaxValue;
        for (int i = 0; i < count; i++)
        {
            sketch.Add(BinaryPrimitives.ReadInt64LittleEndian(blob[(8 * (preamble + i))..]));
        }

        return sketch;
    }

    private void Add(long hash)
    {
        if (hash > 0 && hash < _theta && _hashes.Add(hash) && _hashes.Count >= 2 * NominalEntries)
        {
            Shrink(NominalEntries);
        }
    }

    /// <summary>Keeps the smallest hashes; what is not below the next one counts no more.</summary>
    private void Shrink(int most)
    {
        if (_hashes.Count <= most)
        {
            return;
        }

        long[] sorted = [.. _hashes.Order()];
        _theta = sorted[most];
        _hashes.Clear();
        _hashes.UnionWith(sorted.AsSpan(0, most).ToArray());
    }
}

/// <summary>The first half of MurmurHash3's 128 bits (x64), a public-domain hash.</summary>
internal static class Murmur128
{
    private const ulong C1 = 0x87C37B91114253D5;
    private const ulong C2 = 0x4CF5AD432745937F;

    public static ulong Hash(ReadOnlySpan<byte> bytes, ulong seed)
    {
        ulong h1 = seed, h2 = seed;
        int at = 0;
        for (; at + 16 <= bytes.Length; at += 16)
        {
            h1 ^= Mix1(BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]));
            h1 = (BitOperations.RotateLeft(h1, 27) + h2) * 5 + 0x52DCE729;
            h2 ^= Mix2(BinaryPrimitives.ReadUInt64LittleEndian(bytes[(at + 8)..]));
            h2 = (BitOperations.RotateLeft(h2, 31) + h1) * 5 + 0x38495AB5;
        }

        Span<byte> tail = stackalloc byte[16];
        tail.Clear();
        bytes[at..].CopyTo(tail);
        if (bytes.Length - at > 8)
        {
            h2 ^= Mix2(BinaryPrimitives.ReadUInt64LittleEndian(tail[8..]));
        }

        if (bytes.Length > at)
        {
            h1 ^= Mix1(BinaryPrimitives.ReadUInt64LittleEndian(tail));
        }

        h1 ^= (ulong)bytes.Length;
        h2 ^= (ulong)bytes.Length;
        h1 += h2;
        h2 += h1;
        return Final(h1) + Final(h2);
    }

    private static ulong Mix1(ulong k) => BitOperations.RotateLeft(k * C1, 31) * C2;

    private static ulong Mix2(ulong k) => BitOperations.RotateLeft(k * C2, 33) * C1;

    private static ulong Final(ulong h)
    {
        h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCD;
        h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53;
        return h ^ (h >> 33);
    }
}
