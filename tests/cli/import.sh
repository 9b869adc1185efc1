# import.sh - models of PyTorch, with what PyTorch makes of them (tools/import_torch.py): state dicts in three forms.
. "$SOURCE/tests/cli/common.sh"
T=$SOURCE/tests/import

# as_theirs FILE [OPTIONS]: the largest difference from what the other program says is below 1e-5.
as_theirs() {
  local file=$1 stem
  stem=$T/$(basename "${file%.*}").npz
  shift
  run import "$file" -o m.safetensors "$@" --verify "$stem" "$stem"
  expect 0 "largest difference from"
  holds "$(sed -n 's/.*largest difference from .*: //p' err) < 1e-5"
  run explain m.safetensors
  expect 0
}

as_theirs "$T/torch_lstm.safetensors"
as_theirs "$T/torch_gru.pt"
as_theirs "$T/torch_rnn.pth"
as_theirs "$T/torch_projection.pt"
as_theirs "$T/torch_relu.pt" --module rec=rnn_relu
as_theirs "$T/torch_old.pt"

as_theirs "$T/torch_guitar.json"
as_theirs "$T/keras_rt_lstm.json"
as_theirs "$T/keras_rt_gru.json"
as_theirs "$T/amp_around.json"
as_theirs "$T/amp_tensors.json"
run import "$T/amp_letters.npz" -o m.safetensors --net letters.net --verify "$T/amp_letters_said.npz" "$T/amp_letters_said.npz"
expect 0 "a decoder that starts from the encoder's state"
holds "$(sed -n 's/.*largest difference from .*: //p' err) < 1e-5"
grep -q "dec = gru_reset_after(decemb, 4, start = enc)" letters.net || fail "the net is another one"
as_theirs "$T/keras_lstm.keras"
as_theirs "$T/keras_gru.h5"
as_theirs "$T/keras_both.keras"
as_theirs "$T/keras_graph.h5"
as_theirs "$T/keras_picture.keras"
for file in letters.h5 around.keras largest.h5 mean.keras within.h5 stacked.keras translate.h5 bridge.keras film.h5 pool.h5 pools.h5 stride.h5; do
  as_theirs "$T/keras_$file"
done
run import "$T/keras_pool.h5" -o m.safetensors --net pool.net
expect 0
grep -q "lstm[0-9]* = own_lstm(maxpooling1d[0-9]*, tick, 4)" pool.net || fail "the net is another one"
run import "$T/keras_translate.h5" -o m.safetensors --net translate.net
expect 0
grep -q "lstm(x2, 5, start = lstm" translate.net || fail "the net is another one"
run import "$T/keras_letters.h5" -o m.safetensors --vocabulary <(printf '%s\n' a b c d e f g h i)
expect 0 "the net is a language model"
run sample m.safetensors --length 5
expect 0
printf 'x\n1 2 3\n' >three.csv
run import "$T/keras_gru.h5" -o k.safetensors
expect 0
run predict k.safetensors three.csv
expect 0
as_theirs "$T/onnx_lstm.onnx" --time-first
as_theirs "$T/onnx_gru.onnx"
as_theirs "$T/onnx_rnn.onnx" --time-first
as_theirs "$T/onnx_forget.onnx" --time-first
as_theirs "$T/onnx_outside.onnx"
as_theirs "$T/onnx_frame.onnx"
as_theirs "$T/onnx_strides.onnx"
as_theirs "$T/onnx_pools.onnx"
as_theirs "$T/onnx_largest.onnx"
as_theirs "$T/onnx_frames.onnx"
run import "$T/onnx_frame.onnx" -o m.safetensors
grep -q "'g' (If): its then_branch is taken" err || fail "the branch is not said"
for name in causal classifier letters picture tagger voice; do
  as_theirs "$T/exported_$name.onnx"
  run import "$T/exported_${name}_new.onnx" -o m.safetensors --verify "$T/exported_$name.npz" "$T/exported_$name.npz"
  expect 0 "largest difference from"
  holds "$(sed -n 's/.*largest difference from .*: //p' err) < 1e-5"
done
run import "$T/onnx_open.onnx" -o m.safetensors
expect 3 "the input 'x' has no width that is known: --width says it"
run import "$T/onnx_open.onnx" --width 3 -o m.safetensors --verify "$T/exported_causal.npz" "$T/exported_causal.npz"
expect 0 "largest difference from"
holds "$(sed -n 's/.*largest difference from .*: //p' err) < 1e-5"
run import "$T/onnx_open.onnx" --width 4 -o m.safetensors
expect 3 "onnx_open.onnx"
mkdir apart
cp "$T/onnx_outside.onnx" apart
run import apart/onnx_outside.onnx -o m.safetensors
expect 3 "onnx_outside.data"
head -c 100 "$T/onnx_outside.data" >apart/onnx_outside.data
run import apart/onnx_outside.onnx -o m.safetensors
expect 3 "the file ends before the numbers of"
sed 's/onnx_outside.data/..\/x_outside.data/' "$T/onnx_outside.onnx" >away.onnx
run import away.onnx -o m.safetensors
expect 3 "are in a file that is not beside it"
sed 's/\x04Tanh/\x04Tahn/' "$T/onnx_rnn.onnx" >bad.onnx
run import bad.onnx -o m.safetensors
expect 3 "(Tahn) is not understood"
cp "$T/keras_back/model.json" "$T/keras_back/group1-shard1of1.bin" .
cp "$T/keras_back.npz" model.npz
run import model.json -o m.safetensors --net js.net --verify model.npz model.npz
expect 0 "TensorFlow.js layers model"
holds "$(sed -n 's/.*largest difference from .*: //p' err) < 1e-5"
grep -q "0.2 \* \|clip(" own_lstm.cell || fail "the cell is another one"
# As TensorFlow.js itself writes a model of letters: "./weights.bin", two LSTMs, vectors with one 1.
run import "$T/letters_js/model.json" -o m.safetensors --verify "$T/letters_js.npz" "$T/letters_js.npz"
expect 0 "TensorFlow.js layers model"
holds "$(sed -n 's/.*largest difference from .*: //p' err) < 1e-5"
printf '%s\n' a b c d e f g h ' ' >letters
run import "$T/letters_js/model.json" -o l.safetensors --vocabulary letters
expect 0 "the net is a language model"
run sample l.safetensors --length 5
expect 0
mkdir up
sed 's/".\/weights/"..\/weights/' "$T/letters_js/model.json" >up/model.json
run import up/model.json -o m.safetensors
expect 3 "names a file that is not beside it"
mkdir pipe
cp "$T/keras_back/model.json" pipe
mkfifo pipe/group1-shard1of1.bin
run import pipe/model.json -o m.safetensors
expect 3 "group1-shard1of1.bin"
head -c 100 "$T/keras_back/group1-shard1of1.bin" >group1-shard1of1.bin
run import model.json -o m.safetensors
expect 3 "the files of numbers end before the weight"
sed 's/"GRU"/"ConvLSTM1D"/' "$T/keras_back/model.json" >model.json
cp "$T/keras_back/group1-shard1of1.bin" .
run import model.json -o m.safetensors
expect 3 "is a ConvLSTM1D, which is not understood"
sed 's/"tanh"/"tahn"/' "$T/keras_rt_lstm.json" >bad.json
run import bad.json -o m.safetensors
expect 3 "has the activation 'tahn', which is not known"
sed 's/"lstm"/"conv1d"/' "$T/keras_rt_lstm.json" >bad.json
run import bad.json -o m.safetensors
expect 3 "the layer 'conv' has no good kernel"
sed 's/"lstm"/"conv3d"/' "$T/keras_rt_lstm.json" >bad.json
run import bad.json -o m.safetensors
expect 3 "layer 0 is of the type 'conv3d', which is not understood"

# A wrong activation is seen.
run import "$T/torch_relu.pt" -o m.safetensors --verify "$T/torch_relu.npz" "$T/torch_relu.npz"
expect 0
holds "$(sed -n 's/.*largest difference from .*: //p' err) > 1e-3"

# A readable net, which predicts.
run import "$T/torch_gru.pt" -o g.safetensors --last --predicts labels --net g.net
expect 0 "embedding: Embedding, 7 symbols, 4 numbers each" "rec: GRU, 4 -> 3, 2 layers" "fc: Linear, 3 -> 2" "from the reference, on made-up"
grep -qF "y ~ softmax(W last(rec) + b)" g.net || fail "the net is another one"
grep -qF "rec = gru_reset_after(embedding, 3, layers = 2)" g.net || fail "the net is another one"
printf 'x,y\n1 2 3,0\n6,1\n' >x.csv
run predict g.safetensors x.csv
expect 0
run eval g.safetensors x.csv
expect 0 "accuracy"

# A net of one's own.
sed 's/last(rec)/tanh(last(rec))/' g.net >own.net
run import "$T/torch_gru.pt" -o own.safetensors --equations own.net
expect 0
run predict own.safetensors x.csv
expect 0
sed 's/W last/V last/' g.net >bad.net
run import "$T/torch_gru.pt" -o bad.safetensors --equations bad.net
expect 3 "the parameter V of the net is not in the file"

# Weights by the names of the net, as `unroll run` takes them: W is 1 2, b is 0.5.
tensors() { # tensors HEAD BYTES: a file of safetensors, its head of at most 127 bytes
  printf "\\$(printf %o ${#1})\\0\\0\\0\\0\\0\\0\\0%s$2" "$1"
}
tensors '{"W":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}' \
  '\0\0\200\77\0\0\0\100\0\0\0\77' >w.safetensors
printf 'data x : numbers(2)\ndata y : number\ny ~ gaussian(W x + b, 1)\n' >line.net
run import w.safetensors --equations line.net -o line.safetensors
expect 0 "weights by the names of the net"
printf 'x\n3;4\n' >line.csv
run predict line.safetensors line.csv
expect 0 "11.5"
sed 's/+ b/+ bb/' line.net >other.net
run import w.safetensors --equations other.net -o line.safetensors
expect 3 "the parameter bb of the net is not in the file"
sed 's/numbers(2)/numbers(3)/' line.net >wide.net
run import w.safetensors --equations wide.net -o line.safetensors
expect 3 "W is 1 x 3 in the net, and the numbers for it are 1 x 2"

# A language model, with a vocabulary and without.
run import "$T/torch_old.pt" -o l.safetensors
expect 0 "the net is a language model" "token ~ softmax(W rec + b)"
run sample l.safetensors --length 5
expect 0
printf 'c\nb\na\n\\n\n<unk>\n' >vocabulary
run import "$T/torch_old.pt" -o l.safetensors --vocabulary vocabulary
expect 0 "data token : chars unknown"
printf 'abcz\n' >text
run score l.safetensors text
expect 0
echo '["a","b","c","d","e","f"]' >six.json
run import "$T/torch_old.pt" -o l.safetensors --vocabulary six.json
expect 3 "six.json"

# Weights for a net that trains on.
printf 'x,y\n1 2 3,0\n6,1\n2 2,0\n4 5 6,1\n' >more.csv
run train g.net more.csv -o t --from g.safetensors --steps 2
expect 0 "taken: E"

# What is refused, and by what name.
run import "$T/torch_lstm.safetensors" -o m.safetensors --module rec=gru
expect 3 "'rec' is GRU by --module, but its tensors have the gates of LSTM"
run import "$T/torch_lstm.safetensors" -o m.safetensors --module nothing=gru
expect 2 "the file has no module 'nothing'"
run import g.safetensors -o m.safetensors
expect 3 "this is a model of Unroll already"
run import text -o m.safetensors
expect 3 "this is no model that can be imported"
head -c 3000 "$T/torch_gru.pt" >cut.pt
run import cut.pt -o m.safetensors
expect 3 "cut off"
run import "$T/torch_gru.npz" -o m.safetensors
expect 3 "it is not known what module that is"
run import "$T/torch_gru.pt"
expect 2 "-o"
finish
