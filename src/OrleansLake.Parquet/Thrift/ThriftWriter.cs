using System.Text;
using OrleansLake.Parquet.Buffers;

namespace OrleansLake.Parquet.Thrift;

/// <summary>Writes structs in Thrift's compact protocol. Fields go in ascending order of their ids.</summary>
internal sealed class ThriftWriter(ByteBuffer destination)
{
    private readonly Stack<short> _outer = new();
    private short _last;

    /// <summary>Opens a struct that is the message itself or an element of a list.</summary>
    public void BeginStruct()
    {
        _outer.Push(_last);
        _last = 0;
    }

    public void EndStruct()
    {
        destination.WriteByte((byte)ThriftType.Stop);
        _last = _outer.Pop();
    }

    public void BeginStruct(short id)
    {
        Field(id, ThriftType.Struct);
        BeginStruct();
    }

    public void EmptyStruct(short id)
    {
        BeginStruct(id);
        EndStruct();
    }

    public void Bool(short id, bool value) => Field(id, value ? ThriftType.True : ThriftType.False);

    public void Byte(short id, sbyte value)
    {
        Field(id, ThriftType.Byte);
        destination.WriteByte((byte)value);
    }

    public void Int16(short id, short value)
    {
        Field(id, ThriftType.Int16);
        destination.WriteZigzag(value);
    }

    public void Int32(short id, int value)
    {
        Field(id, ThriftType.Int32);
        destination.WriteZigzag(value);
    }

    public void Int64(short id, long value)
    {
        Field(id, ThriftType.Int64);
        destination.WriteZigzag(value);
    }

    public void Binary(short id, ReadOnlySpan<byte> value)
    {
        Field(id, ThriftType.Binary);
        Binary(value);
    }

    public void String(short id, string value)
    {
        Field(id, ThriftType.Binary);
        String(value);
    }

    public void List(short id, ThriftType elements, int count)
    {
        Field(id, ThriftType.List);
        if (count < 15)
        {
            destination.WriteByte((byte)((count << 4) | (int)elements));
        }
        else
        {
            destination.WriteByte((byte)(0xF0 | (int)elements));
            destination.WriteVarint((ulong)count);
        }
    }

    /// <summary>An element of a list of bools.</summary>
    public void Bool(bool value) => destination.WriteByte((byte)(value ? ThriftType.True : ThriftType.False));

    /// <summary>An element of a list of integers of any width.</summary>
    public void Int(long value) => destination.WriteZigzag(value);

    /// <summary>An element of a list of binaries.</summary>
    public void Binary(ReadOnlySpan<byte> value)
    {
        destination.WriteVarint((ulong)value.Length);
        destination.Write(value);
    }

    /// <summary>An element of a list of strings.</summary>
    public void String(string value)
    {
        int length = Encoding.UTF8.GetByteCount(value);
        destination.WriteVarint((ulong)length);
        destination.Advance(Encoding.UTF8.GetBytes(value, destination.Reserve(length)));
    }

    private void Field(short id, ThriftType type)
    {
        int delta = id - _last;
        if (delta is > 0 and <= 15)
        {
            destination.WriteByte((byte)((delta << 4) | (int)type));
        }
        else
        {
            destination.WriteByte((byte)type);
            destination.WriteZigzag(id);
        }

        _last = id;
    }
}
