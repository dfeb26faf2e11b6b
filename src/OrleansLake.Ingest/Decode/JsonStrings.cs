using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Unicode;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// Strings of a JSON document, which a zero follows: it is a control character, so no search runs beyond it. Pointers to a
/// string stand behind its opening quote; what is returned stands behind the closing one.
/// </summary>
internal static unsafe class JsonStrings<TScan>
    where TScan : struct, IByteScan
{
    // Up to here room is made for all that is left of the document rather than for what a first search for the end says.
    private const int Near = 4096;

    /// <summary>Whether the string ends within one vector and its bytes are ASCII without escapes, the text itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsShort(byte* p, out int length)
    {
        ulong special = TScan.Special(p);
        length = BitOperations.TrailingZeroCount(special);
        return special != 0 && p[length] == '"';
    }

    /// <summary>Whether the bytes of the string, however long, are ASCII without escapes, the text itself.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool IsPlain(byte* p, out int length)
    {
        byte* start = p;
        ulong special;
        while ((special = TScan.Special(p)) == 0)
        {
            p += TScan.Width;
        }

        p += BitOperations.TrailingZeroCount(special);
        length = (int)(p - start);
        return *p == '"';
    }

    /// <summary>Bytes that the text of the string has at most.</summary>
    public static int LengthAtMost(byte* p, byte* end)
    {
        if (end - p <= Near)
        {
            return (int)(end - p);
        }

        byte* start = p;
        while (p < end)
        {
            ulong special = TScan.SpecialInUtf8(p);
            if (special == 0)
            {
                p += TScan.Width;
                continue;
            }

            p += BitOperations.TrailingZeroCount(special);
            if (*p == '"')
            {
                break;
            }

            // What follows a backslash is never the end; control characters are looked at later.
            p += *p == '\\' ? 2 : 1;
        }

        return (int)(p - start);
    }

    /// <summary>
    /// Writes the text of a string to <paramref name="target"/>, which has room for <see cref="LengthAtMost"/> and a vector
    /// more, and checks all that can be wrong with it; null and <paramref name="failure"/> told where something is.
    /// A lone surrogate is legal JSON and no legal text: <paramref name="loneSurrogate"/> where it was all that was wrong.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Read(byte* p, byte* end, ref byte target, JsonFailure failure, out int length, out bool loneSurrogate)
    {
        byte* start = p;
        loneSurrogate = false;
        length = 0;
        nint written = 0;
        ulong notAscii = 0;
        while (true)
        {
            ulong special = TScan.SpecialInUtf8(p);
            TScan.Copy(p, ref Unsafe.Add(ref target, written));
            if (special == 0)
            {
                notAscii |= TScan.NotAscii(p);
                p += TScan.Width;
                written += TScan.Width;
                continue;
            }

            // Only the bits below the first special byte count.
            notAscii |= TScan.NotAscii(p) & (special - 1) & ~special;
            int run = BitOperations.TrailingZeroCount(special);
            p += run;
            written += run;
            if (*p == '"')
            {
                break;
            }

            if (*p != '\\')
            {
                return failure.Malformed(p < end ? "a string without control characters" : "the end of a string", p, end);
            }

            uint code = EscapeCodes[p[1] & 0x7F];
            if (code != 0 && p[1] < 0x80)
            {
                Unsafe.Add(ref target, written++) = (byte)code;
                p += 2;
                continue;
            }

            p = UnicodeEscape(p, end, ref target, ref written, failure, ref loneSurrogate);
            if (p == null)
            {
                return null;
            }
        }

        length = (int)written;
        // What an escape makes is UTF-8, and an escape is ASCII: the text is UTF-8 if what stands in the document is.
        return notAscii != 0 && !Utf8.IsValid(new ReadOnlySpan<byte>(start, (int)(p - start))) ? NotUtf8(p, failure) : p + 1;
    }

    /// <summary>
    /// Whether a string ends within one vector and has no escapes, though it may be beyond ASCII. <paramref name="isUtf8"/>:
    /// whether it is a text at all.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsShortUtf8(byte* p, out int length, out bool isUtf8)
    {
        ulong special = TScan.SpecialInUtf8(p);
        length = BitOperations.TrailingZeroCount(special);
        bool isShort = special != 0 && p[length] == '"';
        isUtf8 = isShort && Utf8.IsValid(new ReadOnlySpan<byte>(p, length));
        return isShort;
    }

    /// <summary>A string that ends before <paramref name="quote"/> is no text.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static byte* NotUtf8(byte* quote, JsonFailure failure) =>
        failure.Fail(RejectReason.InvalidUtf8, $"expected UTF-8, got a string that is not before byte {quote - failure.Start}");

    /// <summary>Checks a string that nobody wants.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Skip(byte* p, byte* end, JsonFailure failure)
    {
        byte* start = p;
        ulong notAscii = 0;
        while (true)
        {
            ulong special = TScan.SpecialInUtf8(p);
            if (special == 0)
            {
                notAscii |= TScan.NotAscii(p);
                p += TScan.Width;
                continue;
            }

            notAscii |= TScan.NotAscii(p) & (special - 1) & ~special;
            p += BitOperations.TrailingZeroCount(special);
            if (*p == '"')
            {
                break;
            }

            if (*p != '\\')
            {
                return failure.Malformed(p < end ? "a string without control characters" : "the end of a string", p, end);
            }

            p = SkipEscape(p, end, failure);
            if (p == null)
            {
                return null;
            }
        }

        return notAscii != 0 && !Utf8.IsValid(new ReadOnlySpan<byte>(start, (int)(p - start))) ? NotUtf8(p, failure) : p + 1;
    }

    private static byte* SkipEscape(byte* p, byte* end, JsonFailure failure)
    {
        if (p[1] < 0x80 && EscapeCodes[p[1]] != 0)
        {
            return p + 2;
        }

        return p[1] == 'u' && Hex(p + 2) >= 0 ? p + 6 : failure.Malformed("an escape", p + 1, end);
    }

    /// <summary>\\uXXXX, or two of them. The digits end before the zero behind the document, which is none.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* UnicodeEscape(byte* p, byte* end, ref byte target, ref nint written, JsonFailure failure, ref bool loneSurrogate)
    {
        if (p[1] != 'u')
        {
            return failure.Malformed("an escape", p + 1, end);
        }

        int code = Hex(p + 2);
        if (code < 0)
        {
            return failure.Malformed("four hexadecimal digits", p + 2, end);
        }

        p += 6;
        if (code is >= 0xD800 and < 0xE000)
        {
            int low = code < 0xDC00 && p[0] == '\\' && p[1] == 'u' ? Hex(p + 2) : -1;
            if (low is >= 0xDC00 and < 0xE000)
            {
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                p += 6;
            }
            else
            {
                loneSurrogate = true;
                code = 0xFFFD;
            }
        }

        if (code < 0x80)
        {
            Unsafe.Add(ref target, written++) = (byte)code;
        }
        else if (code < 0x800)
        {
            Unsafe.Add(ref target, written++) = (byte)(0xC0 | (code >> 6));
            Unsafe.Add(ref target, written++) = (byte)(0x80 | (code & 0x3F));
        }
        else
        {
            written += new System.Text.Rune(code).EncodeToUtf8(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref target, written), 4));
        }

        return p;
    }

    /// <summary>What stands for a character behind a backslash; 0: nothing, or four digits follow.</summary>
    private static ReadOnlySpan<byte> EscapeCodes =>
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 47,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 92, 0, 0, 0,
        0, 0, 8, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 10, 0,
        0, 0, 13, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>Four hexadecimal digits; below 0 where one of the bytes is none.</summary>
    private static int Hex(byte* p)
    {
        int a = HexValues[p[0]], b = HexValues[p[1]], c = HexValues[p[2]], d = HexValues[p[3]];
        return (a | b | c | d) < 16 ? (a << 12) | (b << 8) | (c << 4) | d : -1;
    }

    private static ReadOnlySpan<byte> HexValues =>
    [
        16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
        16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 16, 16, 16, 16, 16,
        16, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
        16, 10, 11, 12, 13, 14, 15, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
        16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
        16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
        16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
        16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
    ];
}
