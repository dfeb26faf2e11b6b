using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace OrleansLake.Parquet.Buffers;

/// <summary>Bytes that are appended to. Keeps its memory when emptied.</summary>
internal sealed class ByteBuffer
{
    private byte[] _array = [];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _array.AsSpan(0, Length);

    public int Capacity => _array.Length;

    public void Clear() => Length = 0;

    /// <summary>Takes back what was written behind <paramref name="length"/>.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>At least so many bytes to write into, made part of the buffer by <see cref="Advance"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Reserve(int bytes)
    {
        if (_array.Length - Length < bytes)
        {
            Grow(bytes);
        }

        return _array.AsSpan(Length);
    }

    public void Advance(int bytes) => Length += bytes;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
    }

    public void WriteByte(byte value)
    {
        Reserve(1)[0] = value;
        Length++;
    }

    public void WriteInt32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(Reserve(4), value);
        Length += 4;
    }

    public void WriteVarint(ulong value)
    {
        var span = Reserve(10);
        int length = 0;
        while (value >= 0x80)
        {
            span[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[length++] = (byte)value;
        Length += length;
    }

    public void WriteZigzag(long value) => WriteVarint((ulong)((value << 1) ^ (value >> 63)));

    /// <summary>Writes over four bytes that were written before.</summary>
    public void PatchInt32(int position, int value) =>
        BinaryPrimitives.WriteInt32LittleEndian(_array.AsSpan(position, 4), value);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int bytes)
    {
        long wanted = Math.Max(checked(Length + bytes), Math.Max(256, Math.Min(_array.Length * 2L, Array.MaxLength)));
        var larger = GC.AllocateUninitializedArray<byte>((int)wanted);
        Written.CopyTo(larger);
        _array = larger;
    }
}
