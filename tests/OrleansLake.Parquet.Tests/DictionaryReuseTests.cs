using System.Globalization;
using System.Text;
using OrleansLake.Parquet.Encodings;

namespace OrleansLake.Parquet.Tests;

/// <summary>Dictionaries go from column to column: what a larger one left behind must neither be found nor be missed.</summary>
public sealed class DictionaryReuseTests
{
    [Fact]
    public void Byte_arrays_are_numbered_in_the_order_of_their_first_occurrence_whatever_was_looked_up_before()
    {
        var dictionary = new ByteArrayDictionary(lengthPrefixed: true);
        var random = new Random(1);
        foreach (int distinct in (int[])[10_000, 3, 4_000, 600, 1, 20_000, 50])
        {
            string[] values = [.. Enumerable.Range(0, 9_000).Select(_ => Text(random.Next(distinct)))];
            int at = 0;
            var expected = new Dictionary<string, int>();
            while (at < values.Length)
            {
                // In pieces, so that it grows while it holds something.
                string[] piece = [.. values.Skip(at).Take(random.Next(1, 2_000))];
                byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(piece));
                int[] offsets = new int[piece.Length + 1];
                for (int i = 0; i < piece.Length; i++)
                {
                    offsets[i + 1] = offsets[i] + piece[i].Length;
                }

                int[] indices = new int[piece.Length];
                Assert.Equal(piece.Length, dictionary.LookUp(bytes, offsets, indices, int.MaxValue, int.MaxValue));
                Assert.Equal(piece.Select(value => expected.TryAdd(value, expected.Count) ? expected.Count - 1 : expected[value]), indices);
                at += piece.Length;
            }

            Assert.Equal(expected.Keys, Enumerable.Range(0, dictionary.Count).Select(i => Encoding.UTF8.GetString(dictionary[i])));
            dictionary.Clear();
            Assert.Equal(0, dictionary.Count);
        }
    }

    [Fact]
    public void Numbers_are_numbered_in_the_order_of_their_first_occurrence_whatever_was_looked_up_before()
    {
        var dictionary = new NumberDictionary<long>();
        var random = new Random(2);
        foreach (int distinct in (int[])[10_000, 3, 4_000, 600, 1, 20_000, 50])
        {
            var expected = new Dictionary<long, int>();
            for (int piece = 0; piece < 8; piece++)
            {
                long[] values = [.. Enumerable.Range(0, random.Next(1, 2_000)).Select(_ => random.Next(distinct) * 7_777_777_777L)];
                int[] indices = new int[values.Length];
                Assert.Equal(values.Length, dictionary.LookUp(values, indices, int.MaxValue));
                Assert.Equal(values.Select(value => expected.TryAdd(value, expected.Count) ? expected.Count - 1 : expected[value]), indices);
            }

            dictionary.Clear();
        }
    }

    [Fact]
    public void One_of_text_serves_values_of_one_length_next()
    {
        var text = ByteArrayDictionary.Rent(lengthPrefixed: true);
        text.LookUp("abcabd"u8, [0, 3, 6], new int[2], 10, 100);
        Assert.Equal(14, text.PageLength);
        DictionaryPool<ByteArrayDictionary>.Return(text);
        var values = ByteArrayDictionary.Rent(lengthPrefixed: false);
        int[] indices = new int[3];
        values.LookUp("xyzxyzabc"u8, [0, 3, 6, 9], indices, 10, 100);
        Assert.Equal([0, 0, 1], indices);
        Assert.Equal("xyzabc"u8, values.Page);
    }

    private static string Text(int number) => number % 5 == 0
        ? new string('x', 40) + number.ToString(CultureInfo.InvariantCulture)
        : number.ToString(CultureInfo.InvariantCulture);
}
