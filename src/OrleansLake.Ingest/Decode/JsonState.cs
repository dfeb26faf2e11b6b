using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OrleansLake.Ingest.Kafka;

namespace OrleansLake.Ingest.Decode;

/// <summary>What the readers of one decoder share: the failure at hand, options, and room for texts with escapes.</summary>
internal sealed unsafe class JsonState
{
    /// <summary>What went wrong.</summary>
    public readonly JsonFailure Failure = new();

    /// <summary>Unknown members of the row at hand.</summary>
    public readonly List<JsonMember> Unknown = [];

    /// <summary>Places of values of the row at hand that did not fit, and became null or text.</summary>
    public readonly List<JsonNode> Changed = [];

    /// <summary>Keeps what has no column; null: nobody asks for it.</summary>
    public JsonRescue? Rescue;

    /// <summary>Asks for columns of what has none; null: nobody wants them.</summary>
    public NewFields? New;

    /// <summary>Whether digits of a fraction that the type cannot keep are cut off instead of refused.</summary>
    public bool CutFraction;

    /// <summary>Whether each object is read twice, because one of them has a name twice and the last shall win.</summary>
    public bool Careful;

    /// <summary>The member whose name was read last by a search for it.</summary>
    public JsonMember Member = null!;

    /// <summary>The row that is being read.</summary>
    public int Row;

    /// <summary>Scratch of <see cref="JsonKeys"/>.</summary>
    public int[] Table = [];

    private byte[] _text = GC.AllocateUninitializedArray<byte>(256, pinned: true);
    private byte[] _document = [];

    /// <summary>Whether the row at hand had anything that is not in its columns.</summary>
    public bool HasExtras => Unknown.Count > 0 || Changed.Count > 0;

    /// <summary>Values of columns of type variant.</summary>
    public VariantBuilder Variants => field ??= new VariantBuilder();

    /// <summary>Values as JSON, of records that are none.</summary>
    public JsonTexts Texts { get; } = new();

    /// <summary>Forgets what the row at hand had beside its columns.</summary>
    public void Drop()
    {
        Unknown.Clear();
        Changed.Clear();
        Rescue?.Drop();
        New?.Drop();
        Texts.Clear();
    }

    /// <summary>A copy of a document that no zero stands behind, with a zero.</summary>
    public byte* DocumentRoom(byte* document, int length)
    {
        if (_document.Length < length + KafkaBatch.Padding)
        {
            _document = GC.AllocateUninitializedArray<byte>(checked(length * 2 + KafkaBatch.Padding), pinned: true);
        }

        new ReadOnlySpan<byte>(document, length).CopyTo(_document);
        _document[length] = 0;
        return (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_document));
    }

    /// <summary>Pinned room for a text of so many bytes and a vector more, filled with zeros behind.</summary>
    public byte* TextRoom(nint length)
    {
        if (_text.Length < length + 128)
        {
            _text = GC.AllocateUninitializedArray<byte>(checked((int)length * 2 + 128), pinned: true);
        }

        return (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_text));
    }
}
