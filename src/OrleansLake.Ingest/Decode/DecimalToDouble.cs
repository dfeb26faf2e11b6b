using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansLake.Ingest.Decode;

/// <summary>
/// The double nearest to digits × 10^exponent, by 128-bit approximations of the powers of five (Eisel and Lemire,
/// "Number parsing at a gigabyte per second", https://arxiv.org/abs/2101.11408).
/// </summary>
internal static class DecimalToDouble
{
    private const int LeastPower = -342;
    private const int GreatestPower = 308;

    private static readonly double[] ExactPowers = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

    // High and low half of each power, the highest bit set.
    private static readonly ulong[] PowersOfFive = MakePowersOfFive();

    /// <summary>10^exponent for 0 to 22, where a double holds it exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double ExactPower(int exponent) => Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(ExactPowers), exponent);

    /// <summary>The nearest double (infinity where it is beyond); false in the rare cases that 128 bits do not decide.</summary>
    public static bool TryNearest(ulong digits, int exponent, out double value)
    {
        value = 0;
        if (digits == 0 || exponent < LeastPower)
        {
            return true;
        }

        if (exponent > GreatestPower)
        {
            value = double.PositiveInfinity;
            return true;
        }

        int leadingZeros = BitOperations.LeadingZeroCount(digits);
        digits <<= leadingZeros;
        int index = (exponent - LeastPower) * 2;
        ulong high = Math.BigMul(digits, PowersOfFive[index], out ulong low);
        if ((high & 0x1FF) == 0x1FF)
        {
            // The bits that rounding looks at might still change: the other half of the power tells.
            ulong carry = Math.BigMul(digits, PowersOfFive[index + 1], out _);
            low += carry;
            high += low < carry ? 1UL : 0;
        }

        if (low == ulong.MaxValue && exponent is < -27 or > 55)
        {
            return false;
        }

        int upper = (int)(high >> 63);
        int shift = upper + 64 - 52 - 3;
        ulong mantissa = high >> shift;
        int power = ((217706 * exponent) >> 16) + 63 + upper - leadingZeros + 1023;
        if (power <= 0)
        {
            if (1 - power >= 64)
            {
                return true;
            }

            mantissa >>= 1 - power;
            mantissa = (mantissa + (mantissa & 1)) >> 1;
            value = BitConverter.UInt64BitsToDouble(mantissa);
            return true;
        }

        if (low <= 1 && exponent is >= -4 and <= 23 && (mantissa & 3) == 1 && mantissa << shift == high)
        {
            // Exactly half way: to even.
            mantissa &= ~1UL;
        }

        mantissa = (mantissa + (mantissa & 1)) >> 1;
        if (mantissa >= 1UL << 53)
        {
            mantissa = 1UL << 52;
            power++;
        }

        value = power >= 2047 ? double.PositiveInfinity : BitConverter.UInt64BitsToDouble((mantissa & ~(1UL << 52)) | ((ulong)power << 52));
        return true;
    }

    private static ulong[] MakePowersOfFive()
    {
        var powers = new ulong[(GreatestPower - LeastPower + 1) * 2];
        var power = BigInteger.One;
        for (int exponent = 0; exponent <= GreatestPower; exponent++, power *= 5)
        {
            int excess = (int)power.GetBitLength() - 128;
            Store(powers, exponent, excess > 0 ? power >> excess : power << -excess);
        }

        power = 5;
        for (int exponent = -1; exponent >= LeastPower; exponent--, power *= 5)
        {
            // 2^bits / 5^-exponent, rounded up, with 128 bits that count.
            int length = (int)power.GetBitLength();
            var inverse = ((BigInteger.One << (length + 127)) / power) + 1;
            int excess = (int)inverse.GetBitLength() - 128;
            Store(powers, exponent, excess > 0 ? inverse >> excess : inverse);
        }

        return powers;
    }

    private static void Store(ulong[] powers, int exponent, BigInteger value)
    {
        powers[(exponent - LeastPower) * 2] = (ulong)(value >> 64);
        powers[((exponent - LeastPower) * 2) + 1] = (ulong)(value & ulong.MaxValue);
    }
}
