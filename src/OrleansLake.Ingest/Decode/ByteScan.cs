using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// The few questions that a JSON reader asks of many bytes at once, one implementation for each vector width, all with
/// the same answers. Every method may read <see cref="Width"/> (or 32) bytes from where it is pointed to.
/// </summary>
internal unsafe interface IByteScan
{
    /// <summary>Bytes looked at by one call: 64 at most.</summary>
    static abstract int Width { get; }

    /// <summary>Bit i is set where byte i is a quote, a backslash, below 0x20 or above 0x7F.</summary>
    static abstract ulong Special(byte* bytes);

    /// <summary>Bit i is set where byte i is a quote, a backslash or below 0x20.</summary>
    static abstract ulong SpecialInUtf8(byte* bytes);

    /// <summary>Bit i is set where byte i is above 0x7F.</summary>
    static abstract ulong NotAscii(byte* bytes);

    /// <summary>Bit i is set where byte i is not space, tab, line feed or carriage return.</summary>
    static abstract ulong NotWhiteSpace(byte* bytes);

    /// <summary>Copies <see cref="Width"/> bytes.</summary>
    static abstract void Copy(byte* source, ref byte target);

    /// <summary>Whether 32 bytes equal <paramref name="expected"/> wherever <paramref name="mask"/> has ones.</summary>
    static abstract bool Matches(byte* bytes, in Vector256<byte> expected, in Vector256<byte> mask);
}

/// <summary>64 bytes at a time: AVX-512.</summary>
internal readonly unsafe struct Scan512 : IByteScan
{
    public static int Width => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Special(byte* bytes)
    {
        var v = Vector512.Load(bytes);
        // Read as signed, non-ASCII is below 0x20 like the control characters: one comparison for both.
        return (Vector512.Equals(v, Vector512.Create((byte)'"'))
            | Vector512.Equals(v, Vector512.Create((byte)'\\'))
            | Vector512.LessThan(v.AsSByte(), Vector512.Create((sbyte)0x20)).AsByte()).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong SpecialInUtf8(byte* bytes)
    {
        var v = Vector512.Load(bytes);
        return (Vector512.Equals(v, Vector512.Create((byte)'"'))
            | Vector512.Equals(v, Vector512.Create((byte)'\\'))
            | Vector512.LessThan(v, Vector512.Create((byte)0x20))).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NotAscii(byte* bytes) => Vector512.Load(bytes).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NotWhiteSpace(byte* bytes)
    {
        var v = Vector512.Load(bytes);
        return ~(Vector512.Equals(v, Vector512.Create((byte)' ')) | Vector512.Equals(v, Vector512.Create((byte)'\n'))
            | Vector512.Equals(v, Vector512.Create((byte)'\r')) | Vector512.Equals(v, Vector512.Create((byte)'\t'))).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* source, ref byte target) => Vector512.Load(source).StoreUnsafe(ref target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Matches(byte* bytes, in Vector256<byte> expected, in Vector256<byte> mask) => Scan256.Matches(bytes, expected, mask);
}

/// <summary>32 bytes at a time: AVX2, or AVX-512 where 32 are enough.</summary>
internal readonly unsafe struct Scan256 : IByteScan
{
    public static int Width => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Special(byte* bytes)
    {
        var v = Vector256.Load(bytes);
        return (Vector256.Equals(v, Vector256.Create((byte)'"'))
            | Vector256.Equals(v, Vector256.Create((byte)'\\'))
            | Vector256.LessThan(v.AsSByte(), Vector256.Create((sbyte)0x20)).AsByte()).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong SpecialInUtf8(byte* bytes)
    {
        var v = Vector256.Load(bytes);
        return (Vector256.Equals(v, Vector256.Create((byte)'"'))
            | Vector256.Equals(v, Vector256.Create((byte)'\\'))
            | Vector256.LessThan(v, Vector256.Create((byte)0x20))).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NotAscii(byte* bytes) => Vector256.Load(bytes).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NotWhiteSpace(byte* bytes)
    {
        var v = Vector256.Load(bytes);
        return ~(Vector256.Equals(v, Vector256.Create((byte)' ')) | Vector256.Equals(v, Vector256.Create((byte)'\n'))
            | Vector256.Equals(v, Vector256.Create((byte)'\r')) | Vector256.Equals(v, Vector256.Create((byte)'\t'))).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* source, ref byte target) => Vector256.Load(source).StoreUnsafe(ref target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Matches(byte* bytes, in Vector256<byte> expected, in Vector256<byte> mask) =>
        ((Vector256.Load(bytes) ^ expected) & mask) == Vector256<byte>.Zero;
}

/// <summary>16 bytes at a time: NEON, SSE.</summary>
internal readonly unsafe struct Scan128 : IByteScan
{
    public static int Width => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Special(byte* bytes)
    {
        var v = Vector128.Load(bytes);
        return (Vector128.Equals(v, Vector128.Create((byte)'"'))
            | Vector128.Equals(v, Vector128.Create((byte)'\\'))
            | Vector128.LessThan(v.AsSByte(), Vector128.Create((sbyte)0x20)).AsByte()).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong SpecialInUtf8(byte* bytes)
    {
        var v = Vector128.Load(bytes);
        return (Vector128.Equals(v, Vector128.Create((byte)'"'))
            | Vector128.Equals(v, Vector128.Create((byte)'\\'))
            | Vector128.LessThan(v, Vector128.Create((byte)0x20))).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NotAscii(byte* bytes) => Vector128.Load(bytes).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NotWhiteSpace(byte* bytes)
    {
        var v = Vector128.Load(bytes);
        return (ushort)~(Vector128.Equals(v, Vector128.Create((byte)' ')) | Vector128.Equals(v, Vector128.Create((byte)'\n'))
            | Vector128.Equals(v, Vector128.Create((byte)'\r')) | Vector128.Equals(v, Vector128.Create((byte)'\t'))).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* source, ref byte target) => Vector128.Load(source).StoreUnsafe(ref target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Matches(byte* bytes, in Vector256<byte> expected, in Vector256<byte> mask) =>
        (((Vector128.Load(bytes) ^ expected.GetLower()) & mask.GetLower())
            | ((Vector128.Load(bytes + 16) ^ expected.GetUpper()) & mask.GetUpper())) == Vector128<byte>.Zero;
}

/// <summary>Eight bytes in a register: where there are no vectors, and what the others are tested against.</summary>
internal readonly unsafe struct ScanScalar : IByteScan
{
    private const ulong Ones = 0x0101010101010101;
    private const ulong Tops = 0x8080808080808080;

    public static int Width => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Special(byte* bytes)
    {
        ulong word = Unsafe.ReadUnaligned<ulong>(bytes);
        return Bits(SpecialTops(word) | (word & Tops));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong SpecialInUtf8(byte* bytes) => Bits(SpecialTops(Unsafe.ReadUnaligned<ulong>(bytes)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong NotAscii(byte* bytes) => Bits(Unsafe.ReadUnaligned<ulong>(bytes) & Tops);

    public static ulong NotWhiteSpace(byte* bytes)
    {
        ulong word = Unsafe.ReadUnaligned<ulong>(bytes);
        return Bits(Tops & ~(Zeros(word ^ (Ones * ' ')) | Zeros(word ^ (Ones * '\n')) | Zeros(word ^ (Ones * '\r')) | Zeros(word ^ (Ones * '\t'))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(byte* source, ref byte target) => Unsafe.WriteUnaligned(ref target, Unsafe.ReadUnaligned<ulong>(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Matches(byte* bytes, in Vector256<byte> expected, in Vector256<byte> mask)
    {
        ref ulong wanted = ref Unsafe.As<Vector256<byte>, ulong>(ref Unsafe.AsRef(in expected));
        ref ulong counts = ref Unsafe.As<Vector256<byte>, ulong>(ref Unsafe.AsRef(in mask));
        return (((Unsafe.ReadUnaligned<ulong>(bytes) ^ wanted) & counts)
            | ((Unsafe.ReadUnaligned<ulong>(bytes + 8) ^ Unsafe.Add(ref wanted, 1)) & Unsafe.Add(ref counts, 1))
            | ((Unsafe.ReadUnaligned<ulong>(bytes + 16) ^ Unsafe.Add(ref wanted, 2)) & Unsafe.Add(ref counts, 2))
            | ((Unsafe.ReadUnaligned<ulong>(bytes + 24) ^ Unsafe.Add(ref wanted, 3)) & Unsafe.Add(ref counts, 3))) == 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong SpecialTops(ulong word) => Zeros(word ^ (Ones * '"')) | Zeros(word ^ (Ones * '\\')) | Zeros(word & (Ones * 0xE0));

    /// <summary>The highest bit of each byte that is zero, and of no other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Zeros(ulong word) => ~(((word & ~Tops) + ~Tops) | word | ~Tops);

    /// <summary>The highest bit of each byte, gathered into eight.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Bits(ulong tops) => ((tops >> 7) * 0x0102040810204080) >> 56;
}
