using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace OrleansLake.Ingest.Upkeep;

/// <summary>
/// Locations, each as 16 bytes of SHA-256 of its path: a table of a million files takes some 32 MB, and which names are listed
/// beside it takes none.
/// </summary>
/// <remarks>
/// Only the path counts: scheme and authority differ between writers (<c>s3</c>, <c>s3a</c>, <c>file:/</c>, an access point for a
/// bucket), and so do slashes that stand twice. Two places that look alike are taken for one, which keeps a file that might go and
/// never takes one that must stay.
/// </remarks>
internal sealed class LocationSet
{
    private UInt128[] _slots = new UInt128[1024];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>The 16 bytes of a location; never 0.</summary>
    public static UInt128 DigestOf(string location)
    {
        ReadOnlySpan<char> path = PathOf(location);
        byte[] rented = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(path.Length));
        try
        {
            int length = Encoding.UTF8.GetBytes(path, rented);
            int kept = 0;
            for (int i = 0; i < length; i++)
            {
                if (rented[i] != '/' || kept == 0 || rented[kept - 1] != '/')
                {
                    rented[kept++] = rented[i];
                }
            }

            Span<byte> hash = stackalloc byte[32];
            SHA256.HashData(rented.AsSpan(0, kept), hash);
            return UInt128.Max(1, BinaryPrimitives.ReadUInt128LittleEndian(hash));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>Adds a location; false: it was there.</summary>
    public bool Add(string location)
    {
        if ((Count + 1) * 4L > _slots.Length * 3L)
        {
            Grow();
        }

        bool isNew = Insert(_slots, DigestOf(location));
        Count += isNew ? 1 : 0;
        return isNew;
    }

    /// <summary>Whether it was added.</summary>
    public bool Contains(string location)
    {
        UInt128 digest = DigestOf(location);
        for (int at = Home(digest, _slots.Length); _slots[at] != 0; at = (at + 1) & (_slots.Length - 1))
        {
            if (_slots[at] == digest)
            {
                return true;
            }
        }

        return false;
    }

    private static ReadOnlySpan<char> PathOf(string location)
    {
        ReadOnlySpan<char> rest = location;
        int scheme = rest.IndexOf("://", StringComparison.Ordinal);
        if (scheme > 0 && rest[..scheme].IndexOf('/') < 0)
        {
            rest = rest[(scheme + 3)..];
            int path = rest.IndexOf('/');
            return path < 0 ? [] : rest[path..];
        }

        return rest.StartsWith("file:/", StringComparison.OrdinalIgnoreCase) ? rest["file:".Length..] : rest;
    }

    private static bool Insert(UInt128[] slots, UInt128 digest)
    {
        int at = Home(digest, slots.Length);
        for (; slots[at] != 0; at = (at + 1) & (slots.Length - 1))
        {
            if (slots[at] == digest)
            {
                return false;
            }
        }

        slots[at] = digest;
        return true;
    }

    private static int Home(UInt128 digest, int length) => (int)(ulong)(digest & (UInt128)(uint)(length - 1));

    private void Grow()
    {
        var slots = new UInt128[_slots.Length * 2];
        foreach (UInt128 digest in _slots)
        {
            if (digest != 0)
            {
                Insert(slots, digest);
            }
        }

        _slots = slots;
    }
}
