using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OrleansLake.Parquet.Statistics;

/// <summary>The least and the greatest of numbers, a vector at a time.</summary>
internal static class MinMax
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (T Min, T Max) Of<T>(ReadOnlySpan<T> values)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        T min = values[0], max = values[0];
        int i = 0;
        if (values.Length >= Vector<T>.Count)
        {
            var least = new Vector<T>(values);
            var greatest = least;
            var vectors = MemoryMarshal.Cast<T, Vector<T>>(values);
            foreach (var vector in vectors)
            {
                least = Vector.Min(least, vector);
                greatest = Vector.Max(greatest, vector);
            }

            for (int lane = 0; lane < Vector<T>.Count; lane++)
            {
                min = T.Min(min, least[lane]);
                max = T.Max(max, greatest[lane]);
            }

            i = vectors.Length * Vector<T>.Count;
        }

        for (; i < values.Length; i++)
        {
            min = T.Min(min, values[i]);
            max = T.Max(max, values[i]);
        }

        return (min, max);
    }

    /// <summary>NaN left out and counted; infinities the wrong way round where there is nothing else.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (T Min, T Max, int Nans) OfFloats<T>(ReadOnlySpan<T> values)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T min = T.PositiveInfinity, max = T.NegativeInfinity;
        int nans = 0;
        int i = 0;
        if (values.Length >= Vector<T>.Count)
        {
            var least = new Vector<T>(min);
            var greatest = new Vector<T>(max);
            var vectors = MemoryMarshal.Cast<T, Vector<T>>(values);
            foreach (var vector in vectors)
            {
                // A comparison with NaN is false, so that NaN never gets in.
                least = Vector.ConditionalSelect(Vector.LessThan(vector, least), vector, least);
                greatest = Vector.ConditionalSelect(Vector.GreaterThan(vector, greatest), vector, greatest);
                if (!Vector.EqualsAll(vector, vector))
                {
                    nans += CountNans(vector);
                }
            }

            for (int lane = 0; lane < Vector<T>.Count; lane++)
            {
                min = least[lane] < min ? least[lane] : min;
                max = greatest[lane] > max ? greatest[lane] : max;
            }

            i = vectors.Length * Vector<T>.Count;
        }

        for (; i < values.Length; i++)
        {
            nans += T.IsNaN(values[i]) ? 1 : 0;
            min = values[i] < min ? values[i] : min;
            max = values[i] > max ? values[i] : max;
        }

        return (min, max, nans);
    }

    private static int CountNans<T>(Vector<T> vector)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int nans = 0;
        for (int lane = 0; lane < Vector<T>.Count; lane++)
        {
            nans += T.IsNaN(vector[lane]) ? 1 : 0;
        }

        return nans;
    }
}
