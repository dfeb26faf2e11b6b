using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace OrleansLake.Ingest.Decode;

/// <summary>A number as it stands in the document: its digits as far as 64 bits go, and where its text lies.</summary>
internal unsafe struct NumberToken
{
    /// <summary>First byte of the text.</summary>
    public byte* Text;

    /// <summary>Bytes of the text.</summary>
    public int Length;

    /// <summary>Whether it has a minus.</summary>
    public bool Negative;

    /// <summary>Whether <see cref="Digits"/> and <see cref="Exponent"/> are the number: it has no more than 19 digits.</summary>
    public bool Whole;

    /// <summary>All digits, point left out.</summary>
    public ulong Digits;

    /// <summary>Power of ten that the digits are multiplied with; saturated far beyond any type.</summary>
    public int Exponent;
}

/// <summary>
/// Numbers of a JSON document, and what they are in the types of a table. None is rounded but to float and double. Something
/// that is no digit stands behind every number, the zero behind the document if nothing else.
/// </summary>
internal static unsafe class JsonNumbers
{
    /// <summary>More than the digits that a document can have, so that no fraction makes up for it.</summary>
    private const long MaxExponent = 4_000_000_000;

    private static readonly UInt128[] PowersOfTen = MakePowersOfTen();

    /// <summary>Eight characters 0.</summary>
    public const ulong Zeros = 0x3030303030303030;

    /// <summary>
    /// A number of one to seven digits without fraction or exponent, with a comma or a closing bracket behind it; null where
    /// there is anything else. Neither its sign nor its length is branched on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* ShortLong(byte* p, out long value)
    {
        long negative = *p == '-' ? 1 : 0;
        p += negative;
        ulong chunk = Unsafe.ReadUnaligned<ulong>(p) ^ Zeros;
        int bits = DigitBits(chunk);
        long digits = EightDigits(chunk << (64 - bits));
        value = (digits ^ -negative) + negative;
        bool isZeroLed = (byte)chunk == 0 && bits > 8;
        p += bits >> 3;
        return (uint)(bits - 8) <= 48 && !isZeroLed && EndsValue(*p) ? p : null;
    }

    /// <summary>The same of up to fifteen digits, by a vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* MediumLong(byte* p, out long value)
    {
        // The sign is taken out of the vector rather than stepped over, so that nothing waits for it.
        int sign = *p == '-' ? 1 : 0;
        var digits = Vector128.Load(p) - Vector128.Create((byte)'0');
        var others = NoDigits(digits);
        int end = BitOperations.TrailingZeroCount((others.ExtractMostSignificantBits() | 0x10000) & ~(uint)sign);
        var places = Vector128.CreateSequence((sbyte)0, (sbyte)1) + Vector128.Create((sbyte)(end - 16));
        long magnitude = SixteenDigits(Vector128.ShuffleNative(OnlyDigits(digits, others), places.AsByte()));
        value = (magnitude ^ -(long)sign) + sign;
        int count = end - sign;
        bool isZeroLed = p[sign] == '0' && count > 1;
        p += end;
        return (uint)(count - 1) < 15 && !isZeroLed && EndsValue(*p) ? p : null;
    }

    /// <summary>
    /// A number with a point, of at most fifteen digits and without an exponent, with a comma or a closing bracket behind it;
    /// null where there is anything else. Neither its sign nor where its point stands is branched on.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* ShortDouble(byte* p, out double value)
    {
        int sign = *p == '-' ? 1 : 0;
        var digits = Vector128.Load(p) - Vector128.Create((byte)'0');
        var noDigits = NoDigits(digits);
        uint others = (noDigits.ExtractMostSignificantBits() | 0x10000) & ~(uint)sign;
        int point = BitOperations.TrailingZeroCount(others);
        int end = BitOperations.TrailingZeroCount(others & (others - 1) | 0x10000);

        // Each digit to where the last one stands in the last place and the point is left out; an index below 0 makes a zero.
        var places = Vector128.CreateSequence((sbyte)0, (sbyte)1) + Vector128.Create((sbyte)(end - 16));
        places += Vector128.LessThan(places, Vector128.Create((sbyte)(point + 1)));
        long unscaled = SixteenDigits(Vector128.ShuffleNative(OnlyDigits(digits, noDigits), places.AsByte()));

        // Both operands are exact, so one operation rounds once.
        double magnitude = unscaled / DecimalToDouble.ExactPower((end - point - 1) & 15);
        value = BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(magnitude) | ((long)sign << 63));
        bool isZeroLed = p[sign] == '0' && point > sign + 1;
        return end < 16 && point > sign && end > point + 1 && p[point] == '.' && !isZeroLed && EndsValue(p[end]) ? p + end : null;
    }

    /// <summary>
    /// The same of up to nineteen digits, at most eight of them before the point: what most languages write for a double of any
    /// value.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static byte* LongDouble(byte* p, out double value)
    {
        long negative = *p == '-' ? 1 : 0;
        p += negative;
        uint others = NoDigitsAt(p) | (NoDigitsAt(p + 16) << 16);
        int point = BitOperations.TrailingZeroCount(others);
        int end = BitOperations.TrailingZeroCount(others & (others - 1));
        bool isZeroLed = *p == '0' && point > 1;
        if ((uint)(point - 1) > 7 || end > 20 || end < point + 2 || p[point] != '.' || isZeroLed || !EndsValue(p[end]))
        {
            value = 0;
            return null;
        }

        // The digits before the point, up to sixteen behind it, and up to two more; each shifted to where missing ones are zeros.
        int fraction = end - point - 1;
        int rest = Math.Max(fraction - 16, 0);
        ulong whole = EightDigits((Unsafe.ReadUnaligned<ulong>(p) ^ Zeros) << (64 - (8 * point)));
        byte* first = p + point + 1;
        var places = Vector128.CreateSequence((sbyte)0, (sbyte)1) + Vector128.Create((sbyte)(fraction - rest - 16));
        ulong sixteen = (ulong)SixteenDigits(Vector128.ShuffleNative(Vector128.Load(first) - Vector128.Create((byte)'0'), places.AsByte()));
        ulong last = EightDigits((Unsafe.ReadUnaligned<ulong>(first + 16) ^ Zeros) << (56 - (8 * rest)) << 8);
        ulong digits = (whole * LongPower(fraction)) + (sixteen * LongPower(rest)) + last;
        if (!DecimalToDouble.TryNearest(digits, -fraction, out double magnitude))
        {
            value = 0;
            return null;
        }

        value = BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(magnitude) | (negative << 63));
        return p + end;
    }

    /// <summary>
    /// The highest bit of each byte that is above 9, others anyhow: an addition, where the comparison of unsigned bytes goes
    /// through mask registers with AVX-512 and takes three times as long.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> NoDigits(Vector128<byte> digits) => Vector128.AddSaturate(digits, Vector128.Create((byte)(0x80 - 10)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> OnlyDigits(Vector128<byte> digits, Vector128<byte> noDigits) =>
        digits & Vector128.GreaterThan(noDigits.AsSByte(), Vector128<sbyte>.AllBitsSet).AsByte();

    /// <summary>A bit for each of sixteen bytes that is no digit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint NoDigitsAt(byte* p) => NoDigits(Vector128.Load(p) - Vector128.Create((byte)'0')).ExtractMostSignificantBits();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long SixteenDigits(Vector128<byte> digits)
    {
        if (Sse41.IsSupported)
        {
            // Sixteen digits, eight pairs, four times four, twice eight.
            var pairs = Ssse3.MultiplyAddAdjacent(digits, Vector128.Create((short)0x010A).AsSByte());
            var fours = Sse2.MultiplyAddAdjacent(pairs, Vector128.Create(0x0001_0064).AsInt16());
            var eights = Sse2.MultiplyAddAdjacent(Sse41.PackUnsignedSaturate(fours, fours).AsInt16(), Vector128.Create(0x0001_2710).AsInt16());
            ulong both = eights.AsUInt64().ToScalar();
            return ((long)(uint)both * 100_000_000) + (long)(both >> 32);
        }

        var halves = digits.AsUInt64();
        return ((long)EightDigits(halves.ToScalar()) * 100_000_000) + EightDigits(halves.GetElement(1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool EndsValue(byte next) => next == ',' || (next | 0x20) == '}';

    /// <summary>Reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? and returns what stands behind it; null where that is not there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Read(byte* p, out NumberToken token)
    {
        Unsafe.SkipInit(out token);
        token.Text = p;
        token.Negative = *p == '-';
        p += token.Negative ? 1 : 0;
        byte* first = p;
        ulong digits = 0;
        p = ReadDigits(p, ref digits);
        nint count = (nint)(p - first);
        if (count == 0 || (*first == '0' && count > 1))
        {
            return null;
        }

        long exponent = 0;
        if (*p == '.')
        {
            byte* fraction = ++p;
            p = ReadDigits(p, ref digits);
            exponent = fraction - p;
            if (exponent == 0)
            {
                return null;
            }

            count -= (nint)exponent;
        }

        if ((*p | 0x20) == 'e')
        {
            p = ReadExponent(p + 1, ref exponent);
            if (p == null)
            {
                return null;
            }
        }

        token.Digits = digits;
        token.Exponent = (int)Math.Clamp(exponent, -2_000_000_000, 2_000_000_000);
        token.Whole = count <= 19;
        token.Length = (int)(p - token.Text);
        return p;
    }

    /// <summary>A number without a fraction, in any notation, that a long can hold.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryLong(in NumberToken token, out long value, out RejectReason reason)
    {
        if (token.Whole && token.Exponent == 0 && token.Digits <= long.MaxValue)
        {
            value = token.Negative ? -(long)token.Digits : (long)token.Digits;
            reason = default;
            return true;
        }

        bool fits = TryUnscaled(token, precision: 19, scale: 0, out var exact, out reason);
        value = (long)exact;
        if (fits && value != exact)
        {
            reason = RejectReason.OutOfRange;
            return false;
        }

        return fits;
    }

    /// <summary>The exact number of 1/10^scale, of at most so many digits.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryUnscaled(in NumberToken token, int precision, int scale, out Int128 value, out RejectReason reason)
    {
        value = 0;
        reason = RejectReason.OutOfRange;

        // The digits between the first and the last that are not zero, and the power of ten of the last.
        byte* p = token.Text + (token.Negative ? 1 : 0);
        byte* end = token.Text + token.Length;
        byte* e = p;
        while (e < end && *e is (byte)'.' or (>= (byte)'0' and <= (byte)'9'))
        {
            e++;
        }

        while (p < e && *p is (byte)'0' or (byte)'.')
        {
            p++;
        }

        if (p == e)
        {
            return true;
        }

        byte* last = e - 1;
        long exponent = token.Exponent;
        while (*last is (byte)'0' or (byte)'.')
        {
            exponent += *last == '0' ? 1 : 0;
            last--;
        }

        int count = 0;
        UInt128 unscaled = 0;
        for (; p <= last; p++)
        {
            if (*p != '.')
            {
                if (++count > 38)
                {
                    // So many digits end behind the point or the number is too large: the first says more.
                    reason = exponent + scale < 0 ? RejectReason.Inexact : RejectReason.OutOfRange;
                    return false;
                }

                unscaled = (unscaled * 10) + (uint)(*p - '0');
            }
        }

        if (exponent + scale < 0)
        {
            reason = RejectReason.Inexact;
            return false;
        }

        if (count + exponent + scale > precision)
        {
            return false;
        }

        unscaled *= PowersOfTen[(int)(exponent + scale)];
        value = token.Negative ? -(Int128)unscaled : (Int128)unscaled;
        return true;
    }

    /// <summary>The nearest double; false where that is infinite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryDouble(in NumberToken token, out double value)
    {
        if (token.Whole && token.Digits <= 1UL << 53 && (uint)(token.Exponent + 22) <= 44)
        {
            // Both operands are exact, so one operation rounds once.
            value = token.Exponent < 0 ? token.Digits / DecimalToDouble.ExactPower(-token.Exponent) : token.Digits * DecimalToDouble.ExactPower(token.Exponent);
            value = token.Negative ? -value : value;
            return true;
        }

        return TryDoubleSlow(token, out value);
    }

    /// <summary>The nearest float; false where that is infinite.</summary>
    public static bool TryFloat(in NumberToken token, out float value)
    {
        value = float.Parse(new ReadOnlySpan<byte>(token.Text, token.Length), System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture);
        return float.IsFinite(value);
    }

    private static bool TryDoubleSlow(in NumberToken token, out double value)
    {
        if (token.Whole && DecimalToDouble.TryNearest(token.Digits, token.Exponent, out value))
        {
            value = token.Negative ? -value : value;
        }
        else
        {
            value = double.Parse(new ReadOnlySpan<byte>(token.Text, token.Length), System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture);
        }

        return double.IsFinite(value);
    }

    /// <summary>Takes digits eight at a time; beyond 19 the value wraps and is not used.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* ReadDigits(byte* p, ref ulong value)
    {
        while (true)
        {
            ulong chunk = Unsafe.ReadUnaligned<ulong>(p) ^ Zeros;
            int count = DigitBits(chunk) >> 3;
            if (count == 8)
            {
                value = (value * 100_000_000) + EightDigits(chunk);
                p += 8;
                continue;
            }

            if (count > 0)
            {
                // Shifted up, the missing leading digits are zeros.
                value = (value * SmallPower(count)) + EightDigits(chunk << (64 - (count * 8)));
                p += count;
            }

            return p;
        }
    }

    /// <summary>Eight times the number of digits that the bytes, with <see cref="Zeros"/> taken off, begin with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int DigitBits(ulong chunk) =>
        // A digit is a byte 0x0N with N below 10: adding 6 must not carry into the upper half.
        BitOperations.TrailingZeroCount((chunk | (chunk + 0x0606060606060606)) & 0xF0F0F0F0F0F0F0F0) & ~7;

    /// <summary>The value of eight digits, most significant in the lowest byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint EightDigits(ulong digits)
    {
        digits = (digits * 10) + (digits >> 8);
        return (uint)((((digits & 0x000000FF000000FF) * 0x000F424000000064) + (((digits >> 16) & 0x000000FF000000FF) * 0x0000271000000001)) >> 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint SmallPower(int exponent) => Unsafe.Add(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(SmallPowers), exponent);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong LongPower(int exponent) => Unsafe.Add(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(LongPowers), exponent);

    private static ReadOnlySpan<ulong> LongPowers =>
    [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000,
        1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000,
        100_000_000_000_000_000, 1_000_000_000_000_000_000,
    ];

    private static ReadOnlySpan<uint> SmallPowers => [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

    private static byte* ReadExponent(byte* p, ref long exponent)
    {
        bool negative = *p == '-';
        p += *p is (byte)'-' or (byte)'+' ? 1 : 0;
        byte* first = p;
        long value = 0;
        while (*p is >= (byte)'0' and <= (byte)'9')
        {
            value = Math.Min(MaxExponent, (value * 10) + (*p - '0'));
            p++;
        }

        if (p == first)
        {
            return null;
        }

        exponent += negative ? -value : value;
        return p;
    }

    private static UInt128[] MakePowersOfTen()
    {
        var powers = new UInt128[39];
        powers[0] = 1;
        for (int i = 1; i < powers.Length; i++)
        {
            powers[i] = powers[i - 1] * 10;
        }

        return powers;
    }
}
