using System.Runtime.CompilerServices;
using System.Text;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// What went wrong in the record at hand, filled where it is noticed and given its path as the calls unwind: a reader that
/// fails returns null to its caller.
/// </summary>
internal sealed unsafe class JsonFailure
{
    private readonly List<string> _path = [];
    private readonly byte[] _scratch = GC.AllocateUninitializedArray<byte>(64);

    /// <summary>First byte of the record.</summary>
    public byte* Start;

    /// <summary>Why.</summary>
    public RejectReason Reason;

    /// <summary>Expected and found.</summary>
    public string Message = "";

    /// <summary>Not a failure: a name stands twice in an object, which the quick way cannot take.</summary>
    public bool Duplicate;

    /// <summary>Forgets the last record.</summary>
    public void Reset()
    {
        Duplicate = false;
        _path.Clear();
    }

    /// <summary>The path from the document to where it went wrong.</summary>
    public string Path
    {
        get
        {
            var path = new StringBuilder();
            for (int i = _path.Count - 1; i >= 0; i--)
            {
                if (path.Length > 0 && !_path[i].StartsWith('['))
                {
                    path.Append('.');
                }

                path.Append(_path[i]);
            }

            return path.ToString();
        }
    }

    /// <summary>Adds the name of the field in which it went wrong.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public byte* In(ReadOnlySpan<byte> name)
    {
        if (!Duplicate)
        {
            _path.Add(Encoding.UTF8.GetString(name));
        }

        return null;
    }

    /// <summary>Adds the index of the element in which it went wrong.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public byte* In(int index)
    {
        if (!Duplicate)
        {
            _path.Add($"[{index}]");
        }

        return null;
    }

    /// <summary>Adds the key of the map entry in which it went wrong.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public byte* InEntry(ReadOnlySpan<byte> key)
    {
        if (!Duplicate)
        {
            _path.Add($"[\"{Encoding.UTF8.GetString(key)}\"]");
        }

        return null;
    }

    /// <summary>A name stands twice.</summary>
    public byte* Repeat()
    {
        Duplicate = true;
        return null;
    }

    /// <summary>The document is not JSON at a place.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public byte* Malformed(string expected, byte* at, byte* end)
    {
        string found = at >= end ? "the end of the document" : *at is >= 0x20 and < 0x7F ? $"'{(char)*at}'" : $"byte 0x{*at:X2}";
        return Fail(RejectReason.MalformedJson, $"expected {expected}, got {found} at byte {(at < end ? at : end) - Start}");
    }

    /// <summary>A value that its column does not take; <paramref name="from"/> to <paramref name="to"/> is its text.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public byte* Unfit(RejectReason reason, string expected, byte* from, byte* to) =>
        Fail(reason, $"expected {expected}, got {Describe(from, to)}");

    /// <summary>Anything else.</summary>
    public byte* Fail(RejectReason reason, string message)
    {
        Reason = reason;
        Message = message;
        return null;
    }

    private string Describe(byte* from, byte* to)
    {
        switch (*from)
        {
            case (byte)'{': return "an object";
            case (byte)'[': return "an array";
        }

        // Forty bytes tell what it was; the record itself is in the dead letter.
        int length = (int)Math.Min(to - from, 40);
        int kept = 0;
        for (int i = 0; i < length; i++)
        {
            _scratch[kept++] = from[i] < 0x20 || from[i] == 0x7F ? (byte)'.' : from[i];
        }

        string text = Encoding.UTF8.GetString(_scratch, 0, kept);
        return to - from > length ? text + "…" : text;
    }
}
