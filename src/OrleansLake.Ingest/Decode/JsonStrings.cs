using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text.Unicode;

namespace OrleansLake.Ingest.Decode;

/// <summary>Strings of a JSON document. Pointers to one stand behind its opening quote; what is returned stands behind the closing one.</summary>
internal static unsafe class JsonStrings<TScan>
    where TScan : struct, IByteScan
{
    /// <summary>
    /// Finds the closing quote. <paramref name="plain"/>: the bytes before it are ASCII without escapes, the text itself.
    /// Otherwise only the end is sure, and <see cref="Unescape"/> has the say on what stands before.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* End(byte* p, byte* end, out bool plain)
    {
        ulong special = TScan.Special(p);
        if (special != 0)
        {
            byte* at = p + BitOperations.TrailingZeroCount(special);
            if (at < end && *at == '"')
            {
                plain = true;
                return at + 1;
            }
        }

        return LongEnd(p, end, out plain);
    }

    /// <summary>
    /// Writes the text of a string that is not plain to <paramref name="target"/>, which has room for the raw bytes and a
    /// vector more, and checks all that can be wrong with it. Returns the length or −1 and tells <paramref name="failure"/>.
    /// A lone surrogate is legal JSON and no legal text: <paramref name="loneSurrogate"/> where it was all that was wrong.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static int Unescape(byte* p, byte* quote, ref byte target, JsonFailure failure, out bool loneSurrogate)
    {
        loneSurrogate = false;
        nint written = 0;
        bool ascii = true;
        while (true)
        {
            ulong special = TScan.SpecialInUtf8(p);
            int run = special == 0 ? TScan.Width : BitOperations.TrailingZeroCount(special);
            run = (int)Math.Min(run, quote - p);
            for (int i = 0; i < run; i++)
            {
                ascii &= p[i] < 0x80;
            }

            TScan.Copy(p, ref Unsafe.Add(ref target, written));
            p += run;
            written += run;
            if (p == quote)
            {
                break;
            }

            if (run == TScan.Width)
            {
                continue;
            }

            if (*p != '\\')
            {
                failure.Malformed("a string without control characters", p, quote + 1);
                return -1;
            }

            p = Escape(p, quote, ref target, ref written, failure, ref loneSurrogate);
            if (p == null)
            {
                return -1;
            }
        }

        if (!ascii && !Utf8.IsValid(System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpan(ref target, (int)written)))
        {
            failure.Fail(RejectReason.InvalidUtf8, $"expected UTF-8, got a string that is not before byte {quote - failure.Start}");
            return -1;
        }

        return (int)written;
    }

    /// <summary>Checks a string that nobody wants, from behind its opening quote.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Skip(byte* p, byte* end, JsonFailure failure)
    {
        byte* start = p;
        bool ascii = true;
        while (true)
        {
            ulong special = TScan.Special(p);
            if (special == 0)
            {
                p += TScan.Width;
                if (p >= end)
                {
                    return failure.Malformed("the end of a string", end, end);
                }

                continue;
            }

            p += BitOperations.TrailingZeroCount(special);
            if (p >= end)
            {
                return failure.Malformed("the end of a string", end, end);
            }

            switch (*p)
            {
                case (byte)'"':
                    if (!ascii && !Utf8.IsValid(new ReadOnlySpan<byte>(start, (int)(p - start))))
                    {
                        return failure.Fail(RejectReason.InvalidUtf8, $"expected UTF-8, got a string that is not before byte {p - failure.Start}");
                    }

                    return p + 1;
                case (byte)'\\':
                    p = SkipEscape(p, end, failure);
                    if (p == null)
                    {
                        return null;
                    }

                    break;
                case >= 0x80:
                    ascii = false;
                    p++;
                    while (p < end && *p >= 0x80)
                    {
                        p++;
                    }

                    if (p >= end)
                    {
                        return failure.Malformed("the end of a string", end, end);
                    }

                    break;
                default:
                    return failure.Malformed("a string without control characters", p, end);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static byte* LongEnd(byte* p, byte* end, out bool plain)
    {
        plain = true;
        while (p < end)
        {
            ulong special = plain ? TScan.Special(p) : TScan.SpecialInUtf8(p);
            if (special == 0)
            {
                p += TScan.Width;
                continue;
            }

            p += BitOperations.TrailingZeroCount(special);
            if (p >= end)
            {
                break;
            }

            if (*p == '"')
            {
                return p + 1;
            }

            plain = false;
            // What follows a backslash is never the end; control characters and bytes above 0x7F are looked at later.
            p += *p == '\\' ? 2 : 1;
        }

        return null;
    }

    private static byte* SkipEscape(byte* p, byte* end, JsonFailure failure)
    {
        if (p + 1 >= end)
        {
            return failure.Malformed("the end of a string", end, end);
        }

        switch (p[1])
        {
            case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                return p + 2;
            case (byte)'u' when end - p >= 6 && Hex(p + 2) >= 0:
                return p + 6;
            default:
                return failure.Malformed("an escape", p + 1, end);
        }
    }

    private static byte* Escape(byte* p, byte* quote, ref byte target, ref nint written, JsonFailure failure, ref bool loneSurrogate)
    {
        if (p + 1 >= quote)
        {
            return failure.Malformed("an escape", p + 1, quote + 1);
        }

        int code;
        switch (p[1])
        {
            case (byte)'"': code = '"'; break;
            case (byte)'\\': code = '\\'; break;
            case (byte)'/': code = '/'; break;
            case (byte)'b': code = '\b'; break;
            case (byte)'f': code = '\f'; break;
            case (byte)'n': code = '\n'; break;
            case (byte)'r': code = '\r'; break;
            case (byte)'t': code = '\t'; break;
            case (byte)'u':
                code = quote - p >= 6 ? Hex(p + 2) : -1;
                if (code < 0)
                {
                    return failure.Malformed("four hexadecimal digits", p + 2, quote + 1);
                }

                p += 4;
                if (code is >= 0xD800 and < 0xE000)
                {
                    int low = code < 0xDC00 && quote - p >= 8 && p[2] == '\\' && p[3] == 'u' ? Hex(p + 4) : -1;
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

                break;
            default:
                return failure.Malformed("an escape", p + 1, quote + 1);
        }

        new System.Text.Rune(code).EncodeToUtf8(System.Runtime.InteropServices.MemoryMarshal.CreateSpan(ref Unsafe.Add(ref target, written), 4));
        written += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        return p + 2;
    }

    private static int Hex(byte* p)
    {
        int value = 0;
        for (int i = 0; i < 4; i++)
        {
            int digit = p[i] switch
            {
                >= (byte)'0' and <= (byte)'9' => p[i] - '0',
                >= (byte)'a' and <= (byte)'f' => p[i] - 'a' + 10,
                >= (byte)'A' and <= (byte)'F' => p[i] - 'A' + 10,
                _ => -1,
            };
            if (digit < 0)
            {
                return -1;
            }

            value = (value << 4) | digit;
        }

        return value;
    }
}
