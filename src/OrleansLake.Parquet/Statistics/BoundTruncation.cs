namespace OrleansLake.Parquet.Statistics;

/// <summary>
/// Shortens bounds of text and bytes, so that an index stays small: a lower bound is cut, an upper bound cut and then
/// raised to the next prefix, in whole code points where it is text.
/// </summary>
internal static class BoundTruncation
{
    /// <summary>A prefix that is not above the value.</summary>
    public static byte[] Lower(byte[] value, int length, bool isText) =>
        value.Length <= length ? value : value[..CutLength(value, length, isText)];

    /// <summary>Something short that is not below the value; null where there is nothing.</summary>
    public static byte[]? Upper(byte[] value, int length, bool isText)
    {
        if (value.Length <= length)
        {
            return value;
        }

        var prefix = value.AsSpan(0, CutLength(value, length, isText));
        return isText ? RaiseText(prefix) : RaiseBytes(prefix);
    }

    private static int CutLength(byte[] value, int length, bool isText)
    {
        if (isText)
        {
            // Back to a byte that starts a code point.
            while (length > 0 && (value[length] & 0xC0) == 0x80)
            {
                length--;
            }
        }

        return length;
    }

    private static byte[]? RaiseBytes(ReadOnlySpan<byte> prefix)
    {
        int last = prefix.LastIndexOfAnyExcept((byte)0xFF);
        if (last < 0)
        {
            return null;
        }

        var raised = prefix[..(last + 1)].ToArray();
        raised[last]++;
        return raised;
    }

    private static byte[]? RaiseText(ReadOnlySpan<byte> prefix)
    {
        while (!prefix.IsEmpty)
        {
            if (System.Text.Rune.DecodeLastFromUtf8(prefix, out var rune, out int bytes) != System.Buffers.OperationStatus.Done)
            {
                return null; // no text after all
            }

            // The surrogates between U+D7FF and U+E000 are no code points of a text.
            int next = rune.Value == 0xD7FF ? 0xE000 : rune.Value + 1;
            prefix = prefix[..^bytes];
            if (System.Text.Rune.IsValid(next))
            {
                var raised = new byte[prefix.Length + 4];
                prefix.CopyTo(raised);
                return raised[..(prefix.Length + new System.Text.Rune(next).EncodeToUtf8(raised.AsSpan(prefix.Length)))];
            }
        }

        return null;
    }
}
