using System.Numerics;
using System.Runtime.CompilerServices;

namespace OrleansLake.Ingest.Decode;

/// <summary>White space, and values that nobody wants but that must be JSON all the same. A zero stands behind the document.</summary>
internal static unsafe class JsonSkip<TScan>
    where TScan : struct, IByteScan
{
    /// <summary>The first byte that is not white space, or <paramref name="end"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* WhiteSpace(byte* p, byte* end) => *p > 0x20 ? p : ManyWhiteSpace(p, end);

    /// <summary>
    /// Checks a value and returns what stands behind it; null and the failure told where it is not JSON.
    /// <paramref name="depth"/>: containers around it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static byte* Value(byte* p, byte* end, int depth, JsonFailure failure)
    {
        // One bit a container that is open: 1 for an object. The last one opened is the lowest bit.
        UInt128 objects = 0;
        int open = 0;
        while (true)
        {
            p = WhiteSpace(p, end);
            if (p >= end)
            {
                return failure.Malformed("a value", p, end);
            }

            switch (*p)
            {
                case (byte)'"':
                    p = JsonStrings<TScan>.Skip(p + 1, end, failure);
                    break;
                case (byte)'{' or (byte)'[':
                    if (depth + open >= JsonPlanCompiler.MaxDepth)
                    {
                        return failure.Fail(RejectReason.TooDeep, $"expected at most {JsonPlanCompiler.MaxDepth} objects and arrays within each other, got more at byte {p - failure.Start}");
                    }

                    bool isObject = *p == '{';
                    p = WhiteSpace(p + 1, end);
                    if (p < end && *p == (isObject ? '}' : ']'))
                    {
                        p++;
                        break;
                    }

                    objects = (objects << 1) | (isObject ? UInt128.One : 0);
                    open++;
                    if (!isObject)
                    {
                        continue;
                    }

                    p = Name(p, end, failure);
                    if (p == null)
                    {
                        return null;
                    }

                    continue;
                case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                    byte* number = p;
                    p = JsonNumbers.Read(p, out _);
                    if (p == null)
                    {
                        return failure.Malformed("a number", number, end);
                    }

                    break;
                default:
                    p = Literal(p, end, failure);
                    break;
            }

            if (p == null)
            {
                return null;
            }

            // Behind a value: the containers that end here, or the next value.
            while (true)
            {
                if (open == 0)
                {
                    return p;
                }

                p = WhiteSpace(p, end);
                bool inObject = (objects & 1) != 0;
                if (p < end && *p == ',')
                {
                    p++;
                    if (inObject)
                    {
                        p = Name(WhiteSpace(p, end), end, failure);
                        if (p == null)
                        {
                            return null;
                        }
                    }

                    break;
                }

                if (p >= end || *p != (inObject ? '}' : ']'))
                {
                    return failure.Malformed(inObject ? "',' or '}'" : "',' or ']'", p, end);
                }

                p++;
                objects >>= 1;
                open--;
            }
        }
    }

    /// <summary>true, false or null.</summary>
    public static byte* Literal(byte* p, byte* end, JsonFailure failure)
    {
        uint word = Unsafe.ReadUnaligned<uint>(p);
        if (word == JsonLiterals.True || word == JsonLiterals.Null)
        {
            return p + 4;
        }

        return word == JsonLiterals.Fals && p[4] == 'e' ? p + 5 : failure.Malformed("a value", p, end);
    }

    private static byte* Name(byte* p, byte* end, JsonFailure failure)
    {
        if (p >= end || *p != '"')
        {
            return failure.Malformed("a name", p, end);
        }

        p = JsonStrings<TScan>.Skip(p + 1, end, failure);
        if (p == null)
        {
            return null;
        }

        p = WhiteSpace(p, end);
        return p < end && *p == ':' ? p + 1 : failure.Malformed("':'", p, end);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* ManyWhiteSpace(byte* p, byte* end)
    {
        while (p < end)
        {
            ulong other = TScan.NotWhiteSpace(p);
            if (other != 0)
            {
                p += BitOperations.TrailingZeroCount(other);
                return p < end ? p : end;
            }

            p += TScan.Width;
        }

        return end;
    }
}

/// <summary>The literals as they lie in memory.</summary>
internal static class JsonLiterals
{
    /// <summary>true</summary>
    public const uint True = 0x65757274;

    /// <summary>fals(e)</summary>
    public const uint Fals = 0x736C6166;

    /// <summary>null</summary>
    public const uint Null = 0x6C6C756E;

    /// <summary>1 where true stands, 0 anywhere else.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe int IsTrue(byte* p) => Unsafe.ReadUnaligned<uint>(p) == True ? 1 : 0;

    /// <summary>1 where false stands, 0 anywhere else.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe int IsFalse(byte* p) => (Unsafe.ReadUnaligned<uint>(p) == Fals ? 1 : 0) & (p[4] == 'e' ? 1 : 0);
}
