namespace OrleansLake.Parquet.Buffers;

/// <summary>
/// The finished pages of one column of the open row group, waiting for the columns before it. Rented in pieces that grow
/// with what is held, so that thousands of open files cost little each and a large one is never copied.
/// </summary>
internal sealed class ByteChain
{
    private readonly List<(byte[] Array, int Length)> _pieces = [];
    private byte[]? _tail;
    private int _tailLength;

    public long Length { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_tail is null || _tailLength == _tail.Length)
            {
                NextPiece(bytes.Length);
            }

            int taken = Math.Min(bytes.Length, _tail!.Length - _tailLength);
            bytes[..taken].CopyTo(_tail.AsSpan(_tailLength));
            _tailLength += taken;
            Length += taken;
            bytes = bytes[taken..];
        }
    }

    public void WriteTo(Stream destination)
    {
        foreach (var (array, length) in _pieces)
        {
            destination.Write(array, 0, length);
        }

        if (_tail is not null)
        {
            destination.Write(_tail, 0, _tailLength);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Clear()
    {
        foreach (var (array, _) in _pieces)
        {
            PiecePool.Return(array);
        }

        _pieces.Clear();
        if (_tail is not null)
        {
            PiecePool.Return(_tail);
            _tail = null;
        }

        _tailLength = 0;
        Length = 0;
    }

    private void NextPiece(int wanted)
    {
        if (_tail is not null)
        {
            _pieces.Add((_tail, _tailLength));
        }

        _tail = PiecePool.Rent(Math.Max(Length, wanted));
        _tailLength = 0;
    }
}
